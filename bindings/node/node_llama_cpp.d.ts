import type { Model, Task } from "quern";

export interface EmbeddingJSON {
    type: "embedding";
    vector: readonly number[];
}

/** A vector of length 1. */
export declare class Embedding {
    readonly vector: readonly number[];
    constructor(options: { vector: readonly number[] });
    toJSON(): EmbeddingJSON;
    /** The cosine of the two vectors. */
    calculateCosineSimilarity(other: Embedding | EmbeddingJSON | readonly number[]): number;
    static fromJSON(json: EmbeddingJSON): Embedding;
}

export interface EmbeddingContext {
    readonly model: LoadedModel;
    readonly disposed: boolean;
    getEmbeddingFor(input: string): Promise<Embedding>;
    dispose(): Promise<void>;
}

export interface LoadedModel {
    readonly llama: Llama;
    readonly opened: Model;
    readonly embeddingVectorSize: number;
    readonly trainContextSize: number;
    /** task: beyond node-llama-cpp, what the texts are for. Other options have no effect: the contexts of a model share
     * its threads and its memory. */
    createEmbeddingContext(options?: { task?: Task } & Record<string, any>): Promise<EmbeddingContext>;
    /** Gives the memory back. */
    dispose(): Promise<void>;
}

export interface Llama {
    loadModel(options: { modelPath: string } & Record<string, any>): Promise<LoadedModel>;
    dispose(): Promise<void>;
}

/** maxThreads: threads that compute; undefined or 0: as many CPUs as the process may use. */
export declare function getLlama(options?: { maxThreads?: number } & Record<string, any>): Promise<Llama>;
