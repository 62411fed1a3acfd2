/* quern: text in, vectors out, on any CPU.
 *
 * This header is the whole public interface and its manual. Whatever is not declared here is not part
 * of the interface and may change without notice.
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
    char text[252]; /* one line of UTF-8, without a newline: what, where and what to do */
} quern_error;

/* The name of a code, "format" for QUERN_EFORMAT; "unknown" for a number that is none. Static. */
QUERN_API const char *quern_error_name(int code);

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
    int has_prompts;            /* 0 when the file says quern.prompts = "none": its texts are to have QUERN_TASK_NONE */
    int longest_piece;          /* most bytes of text that a token stands for: n bytes have at least n / that tokens */
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

/* The prompt of a task as it precedes a text without a title, or NULL. Static. */
QUERN_API const char *quern_task_prompt(quern_task task);

/* ---------------------------------------------------------------- context */

typedef struct quern_context quern_context;

typedef enum quern_path {
    QUERN_PATH_INT8 = 0, /* activations quantised to 8 bits in blocks of 32: the fast one */
    QUERN_PATH_EXACT = 1 /* activations in float32: within 1e-6 of the exact vector */
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
    const char *path;           /* "int8" or "exact" */
    int step_tokens;
    uint64_t arena_bytes;       /* address space planned for the computation; only what is used becomes resident */
} quern_context_info;

QUERN_API int quern_context_describe(const quern_context *context, quern_context_info *info, quern_error *error);

/* ---------------------------------------------------------------- embedding */

typedef struct quern_text {
    const char *data; /* any bytes; not terminated; may be NULL when length is 0 */
    size_t length;    /* in bytes */
} quern_text;

enum {
    QUERN_TRUNCATE = 1,      /* cut a text that is too long (its first and last special token stay) */
    QUERN_PARSE_SPECIAL = 2, /* special tokens spelled in the text become those tokens; only for trusted text */
    QUERN_NO_NORMALIZE = 4   /* leave the vector's length as it comes out of the model */
};

typedef struct quern_embed_options {
    size_t size;
    int task;         /* a quern_task; QUERN_TASK_NONE: nothing is put before the text */
    quern_text title; /* with QUERN_TASK_DOCUMENT, the document's title; empty: none */
    int dimensions;   /* leading dimensions to keep, 1 to the model's; 0: all. Cut first, then normalised */
    unsigned flags;   /* QUERN_TRUNCATE and the like */
} quern_embed_options;

typedef struct quern_result {
    uint32_t tokens;    /* tokens that were embedded, special ones included */
    uint32_t truncated; /* tokens that were cut off */
} quern_result;

/* Embeds count texts into vectors[count][dimensions], float32, row after row, in the order of the texts.
 *
 * capacity: the floats that fit into vectors; QUERN_ETOOLONG if they are too few.
 * results: NULL, or count structures to fill.
 *
 * A text's vector is the same, bit for bit, whatever the other texts, their order, the number of threads;
 * it depends on the kernel table (quern_model_info.kernels) and the path. On failure no vector is to be
 * used; the message names the index of the text at fault. */
QUERN_API int quern_embed(quern_context *context, const quern_text *texts, size_t count,
                          const quern_embed_options *options, float *vectors, size_t capacity,
                          quern_result *results, quern_error *error);

typedef struct quern_tokens {
    const int32_t *ids; /* used as they are: nothing is added */
    size_t count;
} quern_tokens;

/* The same for texts that are tokenised already. Task and title must be unset. Truncation keeps the first ids
 * and the last one. An empty list or an id outside the vocabulary is QUERN_EINVAL. */
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

enum { QUERN_NO_SPECIAL = 8 /* leave out the tokens that open and close every text */ };

/* Writes the tokens of a text, with its task's prompt, to ids and their number to count. flags in options:
 * QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL. With too small a capacity, count is still set, the ids that fit are
 * written and QUERN_ETOOLONG returned; so ids may be NULL with capacity 0 to ask for the number. */
QUERN_API int quern_tokenize(quern_context *context, quern_text text, const quern_embed_options *options,
                             int32_t *ids, size_t capacity, size_t *count, quern_error *error);

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

/* Ids of the tokens that open and close every text; -1: none. */
QUERN_API void quern_special_tokens(const quern_model *model, int32_t *bos, int32_t *eos);

#ifdef __cplusplus
}
#endif

#endif
