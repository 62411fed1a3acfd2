import type { ModelSettings, Task } from "quern";

/** What the AI SDK knows as EmbeddingModelV3. */
export interface QuernEmbeddingModel {
    readonly specificationVersion: "v3";
    readonly provider: string;
    readonly modelId: string;
    readonly maxEmbeddingsPerCall: number;
    readonly supportsParallelCalls: boolean;
    doEmbed(options: {
        values: string[];
        abortSignal?: AbortSignal;
        providerOptions?: Record<string, any>;
        headers?: Record<string, string | undefined>;
    }): Promise<{ embeddings: number[][]; usage: { tokens: number }; warnings: [] }>;
}

/** An embedding model for embed and embedMany of the AI SDK. providerOptions.quern has options of one call: task,
 * dimensions, truncate and the others of EmbedOptions.
 * @param model a path, a published name or "starter"; the usual model if undefined */
export declare function quern(
    model?: string, settings?: Omit<ModelSettings, "model"> & { task?: Task }): QuernEmbeddingModel;
