import type { EmbeddingFunction, EmbeddingFunctionSpace } from "chromadb";
import type { ModelSettings } from "quern";

/** An embedding function of Chroma. Documents and queries get the model's prompts for them. Chroma stores the settings
 * with the collection, under the name "quern" and with the fields that the Python package has, and makes the function
 * again from them. */
export declare class QuernEmbeddingFunction implements EmbeddingFunction {
    name: string;
    constructor(settings?: ModelSettings);
    generate(texts: string[]): Promise<number[][]>;
    generateForQueries(texts: string[]): Promise<number[][]>;
    defaultSpace(): EmbeddingFunctionSpace;
    supportedSpaces(): EmbeddingFunctionSpace[];
    getConfig(): Record<string, any>;
    static buildFromConfig(config: Record<string, any>): QuernEmbeddingFunction;
    validateConfigUpdate(newConfig: Record<string, any>): void;
}
