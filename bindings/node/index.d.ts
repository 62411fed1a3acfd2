/// <reference lib="esnext.disposable" />

/** What a text is for: the model's prompt for it is put before the text. Words of services of embeddings are
 * understood, too: "search_query", "passage", "STS". */
export type Task =
    | "none" | "query" | "document" | "similarity" | "classification" | "clustering" | "code" | "summarization"
    | "question-answering" | "fact-checking" | (string & {});

/** How the numbers of a vector are stored. "f32": Float32Array. "f16": the bits of half floats, Uint16Array. "int8":
 * the number times 127, rounded, Int8Array. "binary": one bit for each number, 1 when it is greater than zero, the
 * first in the highest bit of its byte, Uint8Array; "binary-low": the first in the lowest bit. */
export type Dtype = "f32" | "f16" | "int8" | "binary" | "binary-low";

export interface ArrayOf {
    f32: Float32Array;
    f16: Uint16Array;
    int8: Int8Array;
    binary: Uint8Array;
    "binary-low": Uint8Array;
}

export interface OpenOptions {
    /** Threads that compute, 1 to 256; by default as many CPUs as the process may use. */
    threads?: number;
    /** Most tokens of a text, prompt and special tokens included; by default what the model's publisher says. */
    contextLength?: number;
    /** Compute with activations in float32, which is slower: 1 - cosine with the exact vector is below 1e-6. */
    exact?: boolean;
    /** Prompts of your own, instead of the model's: { query: "Instruct: find recipes\nQuery: " }. */
    prompts?: Partial<Record<Task, string>>;
}

export interface EmbedOptions<D extends Dtype = "f32"> {
    /** By default "none": the text as it is. */
    task?: Task;
    /** The title of the documents of this call. */
    title?: string;
    /** What is put before every text instead of the prompt of the task: at most 4096 bytes, and without a title. */
    prompt?: string;
    /** Leading numbers of each vector that are kept; by default all. */
    dimensions?: number;
    /** By default "f32". The formats of bits need a multiple of 8 dimensions. */
    dtype?: D;
    /** Vectors of length 1; true by default. */
    normalize?: boolean;
    /** Cut off the end of texts that are too long; by default they are errors. */
    truncate?: boolean;
    /** Ends the call when the calls of the library that are under way have ended, two at most, with the signal's reason
     * as the error. */
    signal?: AbortSignal;
}

/** Vectors of texts. Iterating gives a typed array for each text, which is a part of data. */
export declare class Vectors<D extends Dtype = "f32"> implements Iterable<ArrayOf[D]> {
    /** The numbers of all vectors, one vector after another. */
    readonly data: ArrayOf[D];
    /** [texts, elements of data for each] */
    readonly dims: [number, number];
    readonly dtype: D;
    /** Tokens that each vector was made of, prompt and special tokens included. */
    readonly tokens: Uint32Array;
    /** An array of numbers for each text. */
    tolist(): number[][];
    [Symbol.iterator](): Iterator<ArrayOf[D]>;
}

/** What the library refuses. Arguments of a wrong type are a TypeError with the same fields. */
export declare class QuernError extends Error {
    /** "QUERN_EINVAL", "QUERN_ETOOLONG" or another code of quern.h. */
    readonly code: string;
    /** The position of the text or row at fault; undefined if no single one is. */
    readonly index: number | undefined;
}

/** A model, which open has opened. Calls may be made at any time, and are computed in turn, outside the main thread. */
export declare class Model {
    private constructor();
    /** The model's file. */
    readonly path: string;
    /** Numbers of a full vector. */
    readonly dimensions: number;
    /** Most tokens of a text, prompt and special tokens included. */
    readonly contextLength: number;
    /** A line that users must see, such as that the file lacks a part of the model; or null. */
    readonly notice: string | null;
    /** The kernel table in use: "avx512vnni". */
    readonly kernels: string;
    /** What is put before a text of each task. */
    readonly prompts: Readonly<Record<string, string>>;

    /** The vectors of texts, in their order. A vector does not depend on the other texts, in any bit. When one text is
     * wrong, there are no vectors, and the error has its position in index. */
    embed<D extends Dtype = "f32">(texts: string | readonly string[], options?: EmbedOptions<D>): Promise<Vectors<D>>;

    /** A vector for each text. Texts are read as they are needed, so neither they nor the vectors must fit into memory.
     * Vectors of texts that are there come before the source is asked to wait for more. */
    stream<D extends Dtype = "f32">(
        texts: Iterable<string> | AsyncIterable<string>, options?: EmbedOptions<D>
    ): AsyncGenerator<ArrayOf[D], void, undefined>;

    /** The ids of the tokens of a text, with its prompt and special tokens. Nothing is cut. */
    tokenize(text: string, options?: { task?: Task; prompt?: string }): Promise<Int32Array>;

    /** The name of the space that vectors with these options belong to. Vectors may be compared when their spaces are
     * the same, or differ only in tasks that belong together, as query and document. Store it with the vectors. */
    space(options?: EmbedOptions<Dtype>): string;

    /** Gives the memory back. What is computed at the moment is finished; what waits, and what comes later, is an
     * error. */
    close(): void;

    /** The same as close, for `using`. */
    [Symbol.dispose](): void;
}

/** Opens a model.
 * @param model the path of a GGUF file, a file: URL, a published name ("embeddinggemma") whose file pull has
 * downloaded, or "starter", the small model of this package, for trials. undefined: $QUERN_MODEL, else a model of the
 * cache folder, else the starter model. */
export declare function open(model?: string | URL, options?: OpenOptions): Promise<Model>;

/** An id of a row: a whole number from 0 to 2^64 - 1 (a bigint above 2^53), or a string of 1 to 4096 bytes. All rows of
 * an index have the one or the other. */
export type Id = number | bigint | string;

/** Vectors of one length: what Model.embed gives, or its like, which is not copied and must not change until the call
 * has ended; or an array of vectors, which is copied. */
export type VectorRows = { data: Float32Array; dims: [number, number] }
    | readonly (Float32Array | Float64Array | readonly number[])[];

/** For each row a string, bytes, or null for none. */
export type Payloads = Iterable<string | Uint8Array | null | undefined>;

export interface IndexOptions {
    /** Embeds texts that are searched and added. */
    model?: Model;
    /** Threads that search, 1 to 256; by default as many CPUs as the process may use. */
    threads?: number;
}

export interface BuildOptions extends IndexOptions {
    /** By default 0 and the numbers that follow. */
    ids?: Iterable<Id>;
    /** By default the texts, if there are texts. */
    payloads?: Payloads;
    /** The space of vectors, as Model.space names it; by default that of texts, and "" for vectors. */
    space?: string;
    /** Leading numbers of the vectors of texts that are kept. */
    dimensions?: number;
    /** How vectors are stored: "f32" by default, or "f16", which takes half the room and rounds them. */
    dtype?: "f32" | "f16";
    /** Store a bit of each number, too, for searches with oversampling. */
    bits?: boolean;
}

export interface SearchOptions {
    /** Most hits of a query, 1 to 65,536; 10 by default. */
    k?: number;
    /** Only rows with these ids are found. */
    only?: Iterable<Id>;
    /** Only hits with this score or a better one. */
    least?: number;
    /** The space of vectors, which must fit the index's; by default the caller knows that it fits. */
    space?: string;
    /** 0, the default: the certified search, whose hits are those of comparing every vector. n > 0, in an index with
     * bits: the n * k rows whose bits are most like the query's are scored, which is faster, and may miss hits. */
    oversampling?: number;
}

/** A row without its vector. */
export declare class Row {
    private constructor();
    /** A number, a bigint above 2^53, or a string. */
    readonly id: Id;
    /** Empty when the row has none. */
    readonly payload: Uint8Array;
    /** The payload as a text. */
    readonly text: string;
}

/** A row that was found. */
export interface Hit extends Row {
    /** The dot product of query and vector; the cosine, if both have length 1. */
    readonly score: number;
}

/** The hits of a query, the best first. */
export interface Hits extends Array<Hit> {
    /** Whether it is certain that no other row has a better score. */
    readonly certified: boolean;
    /** Rows whose vector was read. */
    readonly scored: number;
}

export interface IndexInfo {
    readonly dimensions: number;
    readonly ids: "numbers" | "names";
    /** "" when it is not known. */
    readonly space: string;
    readonly dtype: "f32" | "f16";
    readonly bits: boolean;
    /** Rows. */
    readonly count: number;
    /** Parts of the file; compact joins them. */
    readonly blocks: number;
    /** Of the file. */
    readonly bytes: number;
}

/** An index file: rows of an id, a vector and perhaps a payload. Search compares a query with every row. What is added
 * or removed is on the disk when the call has ended; when it fails, the file is as it was. Changes take turns, and
 * searches too, outside the main thread. Other programs that have the file open see changes when they refresh. */
export declare class Index {
    private constructor();
    /** Opens a file that is there. */
    static open(path: string | URL, options?: IndexOptions): Promise<Index>;
    /** Makes a file of texts, which options.model embeds as documents, or of vectors, and opens it. A file of this name
     * is replaced. */
    static build(path: string | URL, inputs: readonly string[] | VectorRows, options?: BuildOptions): Promise<Index>;

    readonly path: string;
    readonly info: IndexInfo;

    /** The hits of a query: a text, which the model embeds as a query, or a vector. */
    search(input: string | Float32Array | Float64Array | readonly number[], options?: SearchOptions): Promise<Hits>;
    /** The hits of each query. */
    search(inputs: readonly string[] | VectorRows, options?: SearchOptions): Promise<Hits[]>;

    /** Every row of the index, in the order in which they were added; with ids in `only`, those of them that are there.
     */
    rows(options?: { only?: Iterable<Id> }): AsyncGenerator<Row, void, undefined>;

    /** Adds rows; a row whose id is there already replaces that row. Add many at a time: each call waits for the disk.
     */
    add(inputs: readonly string[] | VectorRows, options: { ids: Iterable<Id>; payloads?: Payloads }): Promise<void>;
    /** Removes the rows with these ids, and gives how many there were. They keep their room until compact. */
    remove(ids: Iterable<Id>): Promise<number>;
    /** Writes the file anew without the rows that were removed, and with few parts. */
    compact(): Promise<void>;
    /** Opens the file again, so that changes of other programs are seen. */
    refresh(): Promise<void>;
    /** Reads the whole file and compares it with its checksums. */
    check(): Promise<void>;

    /** Gives the memory back. Searches that run are finished; what comes later is an error. */
    close(): void;
    /** The same as close, for `using`. */
    [Symbol.dispose](): void;
}

export interface PullOptions {
    /** Is called with the bytes that have come, and all of them. */
    onProgress?: (done: number, total: number) => void;
    /** Ends the download, with the signal's reason as the error. */
    signal?: AbortSignal;
}

/** Downloads the file of a published model into the cache folder, compares its digest, and gives its path. A file that
 * is there is not downloaded again. Nothing is left of a download that failed; the command `quern pull` also continues
 * one that was interrupted, and uses a proxy. Environment: HF_TOKEN, HF_ENDPOINT or QUERN_HUB_URL (a mirror of the
 * hub), XDG_CACHE_HOME.
 * @param name one of those that `quern pull --list` prints, such as "embeddinggemma". */
export declare function pull(name: string, options?: PullOptions): Promise<string>;

/** What the classes for frameworks are made of. The model is opened at the first call, and shared by all objects of the
 * thread that have the same model and threads. */
export interface ModelSettings {
    /** As open takes it. */
    model?: string | null;
    threads?: number | null;
    dimensions?: number | null;
    truncate?: boolean;
}

/** The version of the library, "major.minor.patch". */
export declare const version: string;
