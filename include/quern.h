/* quern: text in, vectors out, on any CPU.
 *
 * This header is the whole public interface and its manual. What is not declared here is not part of the interface
 * and may change without notice.
 *
 *     quern_error err;
 *     quern_model *model;
 *     quern_context *context;
 *     float vector[768];
 *     quern_text text = {"What is the red planet?", 23};
 *     quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY};
 *
 *     if (quern_model_open(&model, "embeddinggemma.gguf", NULL, &err) == QUERN_OK &&
 *         quern_context_new(&context, model, NULL, &err) == QUERN_OK &&
 *         quern_embed(context, &text, 1, &options, vector, 768, NULL, &err) == QUERN_OK)
 *             use(vector);
 *     else
 *             puts(err.text);
 *
 * Errors. A function that can fail returns QUERN_OK (0) or a negative code, and describes the failure
 * in the caller's quern_error, which may be NULL. On failure, outputs are untouched unless said
 * otherwise. The library never exits, aborts or prints.
 *
 * Threads. A model is immutable and may be used by any number of threads at once. A context belongs to
 * one thread at a time; it runs its own worker threads. Neither survives fork(): open them in the child.
 *
 * Memory. Everything an embedding needs is allocated when the context is made. quern_embed allocates
 * only when a text is longer than any before it in the same context, to tokenise it.
 *
 * Options. Every options structure starts with its own size, which the caller sets to sizeof it. Zero in
 * any other field means the default. Fields are only ever appended. A pointer to options may be NULL.
 */
#ifndef QUERN_H
#define QUERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(QUERN_BUILD) && defined(__GNUC__)
#define QUERN_API __attribute__((visibility("default")))
#else
#define QUERN_API
#endif

/* ---------------------------------------------------------------- version */

#define QUERN_VERSION_MAJOR 0
#define QUERN_VERSION_MINOR 1
#define QUERN_VERSION_PATCH 0

/* The version of the library in use, "major.minor.patch". Static. */
QUERN_API const char *quern_version(void);

/* ---------------------------------------------------------------- errors */

enum {
    QUERN_OK = 0,
    QUERN_EINVAL = -1,       /* an argument is wrong: the caller's mistake */
    QUERN_ENOMEM = -2,       /* no memory, or no thread could be started */
    QUERN_EIO = -3,          /* a file cannot be opened or read, or changed while in use */
    QUERN_EFORMAT = -4,      /* a file is not what it says: damaged, cut off or inconsistent */
    QUERN_EUNSUPPORTED = -5, /* a sound file that this version cannot use */
    QUERN_ETOOLONG = -6,     /* a text has more tokens than the model takes, or memory given is too small */
    QUERN_ENUMERIC = -7      /* the model gave a vector that is not finite */
};

typedef struct quern_error {
    int code;       /* one of the above */
    char text[244]; /* one line of UTF-8, without a newline: what, where and what to do; says "the text has ..." where
                       one text is at fault, without its number */
    int64_t index;  /* of the text at fault among the texts of the call, counted from 0; -1: no single text is at fault */
} quern_error;

/* The name of a code, "format" for QUERN_EFORMAT; "unknown" for a number that is none. Static. */
QUERN_API const char *quern_error_name(int code);

/* ---------------------------------------------------------------- limits */

#define QUERN_MOST_THREADS 256 /* threads that a context or the opening of a model may use */

/* ---------------------------------------------------------------- model */

typedef struct quern_model quern_model;

typedef struct quern_model_options {
    size_t size;
    const char *cpu; /* kernel table to use at most, as QUERN_CPU takes it; NULL: $QUERN_CPU, or the best */
    int threads;     /* threads that pack the weights; 0: the CPU budget */
} quern_model_options;

/* Opens a GGUF file, checks all of it, and packs its weights for this CPU. The file stays mapped until the
 * model is closed and must not be changed; if it is (or its disk fails), calls that need the lost part
 * return QUERN_EIO. To make that possible, a SIGBUS handler is in place while a model is open; a SIGBUS
 * that does not come from a model's file goes to the handler that was there before. */
QUERN_API int quern_model_open(quern_model **model, const char *path, const quern_model_options *options,
                               quern_error *error);

/* Another reference to the same model; returns it. Every reference is closed on its own. */
QUERN_API quern_model *quern_model_share(quern_model *model);

/* Gives a reference back; the last one frees the model. NULL is allowed. Contexts hold references. */
QUERN_API void quern_model_close(quern_model *model);

typedef struct quern_model_info {
    size_t size;                /* set by the caller, as in options */
    const char *architecture;   /* "gemma-embedding" */
    const char *name;           /* general.name of the file, or "" */
    const char *notice;         /* NULL, or one line a user must see: the vectors are not the official ones */
    const char *kernels;        /* kernel table in use: "avx512vnni" */
    const char *kernels_reason; /* why that one */
    const char *types;          /* tensor types and counts: "Q8_0 x 171, F32 x 145" */
    int dimensions;             /* length of a full vector */
    int has_head;               /* 1 when the file holds the dense head */
    int context_length;         /* most tokens a text may have, the special ones included */
    int layers, heads, kv_heads, head_dimensions, ffn_dimensions, vocabulary, sliding_window;
    int head_hidden_dimensions; /* width between the two dense layers; 0 without a head */
    uint64_t parameters;        /* weights in the file */
    uint64_t file_bytes;        /* size of the file */
    uint64_t packed_bytes;      /* memory the packed weights take */
    uint64_t vocabulary_bytes;  /* memory the tokenizer takes */
    int has_prompts;            /* 0 when the model takes no prompts: its texts must have QUERN_TASK_NONE */
} quern_model_info;

/* Fills info. Strings belong to the model. */
QUERN_API int quern_model_describe(const quern_model *model, quern_model_info *info, quern_error *error);

/* ---------------------------------------------------------------- tasks */

/* What a text is for. The model was trained with a prompt in front of every text; vectors made with
 * different prompts are meant to be compared as query against document, or like with like. */
typedef enum quern_task {
    QUERN_TASK_NONE = 0, /* the text as it is */
    QUERN_TASK_QUERY,
    QUERN_TASK_DOCUMENT, /* takes a title */
    QUERN_TASK_SIMILARITY,
    QUERN_TASK_CLASSIFICATION,
    QUERN_TASK_CLUSTERING,
    QUERN_TASK_CODE,
    QUERN_TASK_SUMMARIZATION,
    QUERN_TASK_QUESTION_ANSWERING,
    QUERN_TASK_FACT_CHECKING
} quern_task;

/* The name of a task ("question-answering"), or NULL for a number that is none. Static; counts up from 0. */
QUERN_API const char *quern_task_name(quern_task task);

/* The task of a name, or -1. */
QUERN_API int quern_task_find(const char *name);

/* What the model puts before a text of this task that has no title: the prompt of the model's file, or the prompt that
 * its architecture was trained with; "" for none. NULL for a number that is no task. The string belongs to the model. */
QUERN_API const char *quern_model_prompt(const quern_model *model, quern_task task);

/* ---------------------------------------------------------------- context */

typedef struct quern_context quern_context;

typedef enum quern_path {
    QUERN_PATH_FAST = 0, /* activations in the short format of the kernel table, for example int8 in blocks of 32 */
    QUERN_PATH_EXACT = 1 /* activations in float32: within 1e-6 (1 - cosine) of the exact vector */
} quern_path;

typedef struct quern_context_options {
    size_t size;
    int threads;     /* threads that compute, the caller's included; 0: the CPU budget of this process */
    int path;        /* a quern_path */
    int step_tokens; /* tokens computed at once; 0: a good size. Bounds memory. At least the context length */
} quern_context_options;

QUERN_API int quern_context_new(quern_context **context, quern_model *model, const quern_context_options *options,
                                quern_error *error);
QUERN_API void quern_context_free(quern_context *context); /* NULL is allowed */

typedef struct quern_context_info {
    size_t size;                /* set by the caller */
    int threads;                /* threads that compute */
    const char *threads_reason; /* "2 CPUs allowed by affinity, cgroup quota 1.5" */
    const char *path;           /* "fast" or "exact" */
    const char *activations;    /* the format of activations on this path: "int8", "float32" */
    int step_tokens;
    uint64_t arena_bytes;       /* address space planned for the computation; only what is used becomes resident */
} quern_context_info;

QUERN_API int quern_context_describe(const quern_context *context, quern_context_info *info, quern_error *error);

/* ---------------------------------------------------------------- embedding */

typedef struct quern_text {
    const char *data; /* any bytes; not terminated; may be NULL when length is 0 */
    size_t length;    /* in bytes */
} quern_text;

/* Flags of quern_embed_options. Each function says which of them it takes; others are QUERN_EINVAL. */
enum {
    QUERN_TRUNCATE = 1,        /* cut off the end of a text that is too long; its special tokens stay */
    QUERN_PARSE_SPECIAL = 2,   /* special tokens spelled in the text become those tokens; only for trusted text */
    QUERN_NO_NORMALIZE = 4,    /* leave the vector's length as the model gives it */
    QUERN_NO_SPECIAL = 8,      /* leave out the tokens that open and close every text */
    QUERN_TRUNCATE_START = 16, /* cut off the start of a text that is too long; its prompt and special tokens stay */
    QUERN_KEEP_SPACE = 32      /* keep the space that some vocabularies put before a text */
};

typedef struct quern_embed_options {
    size_t size;
    int task;         /* a quern_task; QUERN_TASK_NONE: nothing is put before the text */
    quern_text title; /* with QUERN_TASK_DOCUMENT, the document's title; empty: none */
    int dimensions;   /* leading dimensions to keep, 1 to the model's; 0: all. Cut first, then normalised */
    unsigned flags;   /* QUERN_TRUNCATE and the like */
} quern_embed_options;

typedef struct quern_result {
    int32_t code;       /* QUERN_OK: the text's vector is valid; else the reason why there is none */
    uint32_t tokens;    /* tokens that were embedded, special ones included */
    uint32_t truncated; /* tokens that were cut off */
} quern_result;

/* Embeds count texts into vectors[count][dimensions], float32, row after row, in the order of the texts.
 *
 * capacity: the floats that fit into vectors; QUERN_ETOOLONG if they are too few.
 * results: NULL, or count structures to fill.
 * flags: QUERN_TRUNCATE or QUERN_TRUNCATE_START, QUERN_PARSE_SPECIAL, QUERN_NO_NORMALIZE.
 *
 * A text's vector is the same, bit for bit, whatever the other texts, their order, the number of threads;
 * it depends on the kernel table (quern_model_info.kernels) and the path.
 *
 * One bad text does not fail the others. When a text cannot be embedded (QUERN_EINVAL, QUERN_ETOOLONG,
 * QUERN_ENUMERIC), the other texts are embedded all the same; the function returns the code of the first such
 * text, and error describes that text, with its index. results[i].code is QUERN_OK for exactly those texts whose
 * vectors are valid; the other vectors are undefined. A failure that is no text's fault (wrong arguments, QUERN_EIO,
 * QUERN_ENOMEM) ends the call: error->index is -1, and every text without a valid vector has that code. */
QUERN_API int quern_embed(quern_context *context, const quern_text *texts, size_t count,
                          const quern_embed_options *options, float *vectors, size_t capacity,
                          quern_result *results, quern_error *error);

typedef struct quern_tokens {
    const int32_t *ids; /* used as they are: nothing is added */
    size_t count;
} quern_tokens;

/* The same for texts that are tokenised already. Task and title must be unset. Truncation is that of
 * quern_truncate_tokens. An empty list or an id outside the vocabulary is QUERN_EINVAL of that text. */
QUERN_API int quern_embed_tokens(quern_context *context, const quern_tokens *texts, size_t count,
                                 const quern_embed_options *options, float *vectors, size_t capacity,
                                 quern_result *results, quern_error *error);

/* The space that vectors with these options belong to, as "768n-1f0c5e0d3b9a7264-document": dimensions, n for
 * normalised or u for not, a digest of shape, weights and head, and the task. Vectors may be compared when their spaces
 * are equal, or differ in the task only and the tasks are meant for each other, as query and document are. Written with
 * its terminator to out. The numeric path is not part of it. */
#define QUERN_SPACE_SIZE 48
QUERN_API int quern_space(const quern_model *model, const quern_embed_options *options, char out[QUERN_SPACE_SIZE],
                          quern_error *error);

/* ---------------------------------------------------------------- tokens */

typedef struct quern_tokenizer_info {
    size_t size;           /* set by the caller */
    const char *kind;      /* "sentencepiece" */
    int vocabulary;        /* tokens */
    int32_t bos, eos;      /* the tokens that open and close every text; -1: none */
    int32_t unknown;       /* stands for characters that the vocabulary lacks; -1: none */
    int longest_piece;     /* most bytes of text that a token stands for: n bytes have at least n / that tokens */
    int puts_space;        /* 1 when the vocabulary puts a space before a text */
} quern_tokenizer_info;

/* Fills info. Strings belong to the model. */
QUERN_API int quern_tokenizer_describe(const quern_model *model, quern_tokenizer_info *info, quern_error *error);

/* Writes all tokens of a text, with its task's prompt, to ids and their number to count. flags in options:
 * QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL. With too small a capacity, count is still set, the ids that fit are
 * written and QUERN_ETOOLONG returned; so ids may be NULL with capacity 0 to ask for the number. */
QUERN_API int quern_tokenize(quern_context *context, quern_text text, const quern_embed_options *options,
                             int32_t *ids, size_t capacity, size_t *count, quern_error *error);

/* The tokens that quern_embed would compute with, for a program that queues them and calls quern_embed_tokens later or
 * in another thread. Takes the flags of quern_embed, and refuses or cuts what is too long as that does. ids has room for
 * capacity tokens; the context length is always enough. result: tokens and truncated; of a very long text that is cut,
 * truncated is a lower bound, because the part that is cut off is not tokenised. Time is bounded by the context length. */
QUERN_API int quern_prepare(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                            size_t capacity, quern_result *result, quern_error *error);

/* Cuts ids[count] in place to limit tokens, 1 or more, and returns how many are left. The first and the last token stay,
 * as they open and close the text; flags: QUERN_TRUNCATE keeps what follows the first one, QUERN_TRUNCATE_START what
 * precedes the last one. */
QUERN_API size_t quern_truncate_tokens(int32_t *ids, size_t count, size_t limit, unsigned flags);

/* Where a token stands. */
enum {
    QUERN_PART_ADDED = 0, /* nowhere: it opens or closes the text, and begin and end are 0 */
    QUERN_PART_PROMPT,    /* bytes [begin, end) of the prompt; the title belongs to it */
    QUERN_PART_TEXT       /* bytes [begin, end) of the text; a token that begins in the prompt has begin 0 */
};
typedef struct quern_token_span {
    size_t begin, end; /* in bytes */
    int part;          /* one of the above */
} quern_token_span;

/* Writes to spans[count] where the tokens ids[count] stand that quern_tokenize gave for the same text and options.
 * QUERN_EINVAL when they are not the tokens of that text. */
QUERN_API int quern_token_spans(quern_context *context, quern_text text, const quern_embed_options *options,
                                const int32_t *ids, size_t count, quern_token_span *spans, quern_error *error);

/* Writes the text that ids[count] stand for to out[capacity] and its bytes to length, without a terminator. A control
 * token stands for its name. Without QUERN_KEEP_SPACE the space is left out that the vocabulary puts before a text.
 * flags: QUERN_KEEP_SPACE, QUERN_NO_SPECIAL (control tokens stand for nothing). With too small a capacity length is still
 * set, nothing is written and QUERN_ETOOLONG returned. QUERN_EINVAL for an id outside the vocabulary. */
QUERN_API int quern_detokenize(const quern_model *model, const int32_t *ids, size_t count, unsigned flags, char *out,
                               size_t capacity, size_t *length, quern_error *error);

/* The longest part of a text, from its start or, with QUERN_TRUNCATE_START, up to its end, that has at most `tokens`
 * tokens together with its prompt and special tokens; 0 stands for the context length. It ends (starts) between two
 * characters of UTF-8. Empty when not even the prompt fits. part is a view of text. Other flags: QUERN_PARSE_SPECIAL,
 * QUERN_NO_SPECIAL. */
QUERN_API int quern_truncate(quern_context *context, quern_text text, const quern_embed_options *options, size_t tokens,
                             quern_text *part, quern_error *error);

typedef struct quern_chunk {
    size_t begin, end; /* bytes [begin, end) of the text, between characters of UTF-8 */
    uint32_t tokens;   /* of the chunk, with its prompt and special tokens */
} quern_chunk;

typedef struct quern_chunk_options {
    size_t size;
    size_t tokens;  /* most tokens of a chunk, with prompt and special tokens; 0: the context length */
    size_t overlap; /* tokens of the text that a chunk shares with the one before it, about; less than half of tokens */
} quern_chunk_options;

/* Cuts a long text into chunks that can be embedded with the same options. A chunk ends at the end of a paragraph, a
 * line, a sentence or a word, in this order of preference, where one of these lies in its last quarter; else between two
 * characters. Every byte of the text but white space between chunks lies in a chunk. A text that fits gives one chunk,
 * an empty text none. Writes up to capacity chunks, and to count how many there are; QUERN_ETOOLONG when that is more. */
QUERN_API int quern_chunk_text(quern_context *context, quern_text text, const quern_embed_options *options,
                               const quern_chunk_options *chunk_options, quern_chunk *chunks, size_t capacity,
                               size_t *count, quern_error *error);

typedef enum quern_piece_kind {
    QUERN_PIECE_NORMAL = 1,
    QUERN_PIECE_UNKNOWN = 2,
    QUERN_PIECE_CONTROL = 3,
    QUERN_PIECE_USER_DEFINED = 4,
    QUERN_PIECE_UNUSED = 5,
    QUERN_PIECE_BYTE = 6
} quern_piece_kind;

typedef struct quern_piece {
    quern_text text; /* as the vocabulary spells it: a space is U+2581, a byte token "<0x0A>" */
    int kind;        /* a quern_piece_kind */
    float score;
} quern_piece;

/* Describes token id. The text belongs to the model. */
QUERN_API int quern_piece_get(const quern_model *model, int32_t id, quern_piece *piece, quern_error *error);

/* ---------------------------------------------------------------- vectors */

/* How a vector is stored. Bytes are little-endian. */
typedef enum quern_dtype {
    QUERN_DTYPE_F32 = 0,
    QUERN_DTYPE_F16,         /* rounded to nearest, ties to even */
    QUERN_DTYPE_INT8,        /* numbers of -1 to 1 times 127, rounded to nearest; larger ones are clipped */
    QUERN_DTYPE_BINARY,      /* a bit for each number, 1 when it is above zero; the first in the highest bit of its byte,
                                as NumPy's packbits and pgvector's bit strings have it. Dimensions are multiples of 8 */
    QUERN_DTYPE_BINARY_LOW   /* the same with the first number in the lowest bit, as sqlite-vec has it */
} quern_dtype;

/* The name of a number format ("f16"), or NULL for a number that is none. Static; counts up from 0. */
QUERN_API const char *quern_dtype_name(quern_dtype dtype);

/* The number format of a name, or -1. */
QUERN_API int quern_dtype_find(const char *name);

/* Bytes of a vector in this format; 0 when it cannot have so many dimensions. */
QUERN_API size_t quern_encoded_bytes(quern_dtype dtype, int dimensions);

/* Cuts a whole vector of the model to its leading dimensions and, unless flags has QUERN_NO_NORMALIZE, makes it of
 * length 1; out[dimensions] may be the vector itself. quern_embed does the same to the same bits, so that vectors which
 * were embedded whole and not normalised can be finished later. */
QUERN_API void quern_finish(const float *vector, int dimensions, unsigned flags, float *out);

/* Writes vectors[count][dimensions] to out[count][quern_encoded_bytes], and back. QUERN_EINVAL for a format that is none
 * or cannot have so many dimensions; QUERN_ETOOLONG when capacity, in bytes or floats, is too small. Decoded bits are 1
 * and -1. out of quern_encode may be the vectors themselves. */
QUERN_API int quern_encode(quern_dtype dtype, const float *vectors, size_t count, int dimensions, void *out,
                           size_t capacity, quern_error *error);
QUERN_API int quern_decode(quern_dtype dtype, const void *encoded, size_t count, int dimensions, float *vectors,
                           size_t capacity, quern_error *error);

/* The dot product, and the cosine, of two vectors, summed in double precision. A cosine with a zero vector is 0. */
QUERN_API double quern_dot(const float *a, const float *b, int dimensions);
QUERN_API double quern_cosine(const float *a, const float *b, int dimensions);

#ifdef __cplusplus
}
#endif

#endif
