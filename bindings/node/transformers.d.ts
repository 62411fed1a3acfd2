import type { Model, OpenOptions, Task } from "quern";

/** A matrix of numbers, or one row of it. */
export declare class Tensor {
    readonly type: "float32" | "int8" | "uint8";
    readonly data: Float32Array | Int8Array | Uint8Array;
    /** [texts, numbers of each]; of a row [numbers] */
    readonly dims: number[];
    readonly size: number;
    tolist(): any;
    dispose(): void;
    [Symbol.iterator](): IterableIterator<Tensor>;
}

export interface FeatureExtractionOptions {
    /** Must be given, and not "none": quern has no vectors of tokens. It pools as the model's file says, whatever this
     * names. */
    pooling: "mean" | "cls" | "first_token" | "eos" | "last_token";
    /** Vectors of length 1; false by default, as in transformers.js. */
    normalize?: boolean;
    /** Bits instead of numbers, in a multiple of 8 dimensions. */
    quantize?: boolean;
    precision?: "binary" | "ubinary";
    /** Beyond transformers.js: what the texts are for. */
    task?: Task;
    dimensions?: number;
}

export interface FeatureExtractionPipeline {
    /** Long texts are cut, as transformers.js does. */
    (texts: string | string[], options: FeatureExtractionOptions): Promise<Tensor>;
    readonly task: "feature-extraction";
    readonly model: Model;
    dispose(): Promise<void>;
}

/** Opens a model. Options of transformers.js that are not those of OpenOptions have no effect. */
export declare function pipeline(
    task: "feature-extraction", model?: string, options?: OpenOptions & Record<string, any>
): Promise<FeatureExtractionPipeline>;
