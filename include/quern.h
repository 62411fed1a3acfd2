/* quern: text in, vectors out, on any CPU.
 *
 * This header and quern_index.h, which keeps vectors in a file and finds them again, are the whole public interface,
 * and its manual. What is not declared there is not part of the interface and may change without notice.
 *
 * A program opens a model file, makes a context (the memory and the threads of a computation), and embeds texts:
 *
 *     quern_error error;
 *     quern_model *model = NULL;
 *     quern_context *context = NULL;
 *     float vector[768]; // as many numbers as quern_model_info.dimensions says
 *     const quern_text text = {"What is the red planet?", 23};
 *     const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY};
 *
 *     if (quern_model_open(&model, "embeddinggemma.gguf", NULL, &error) == QUERN_OK &&
 *         quern_context_new(&context, model, NULL, &error) == QUERN_OK &&
 *         quern_embed(context, &text, 1, &options, vector, 768, NULL, &error) == QUERN_OK)
 *         printf("%f\n", vector[0]);
 *     else
 *         fprintf(stderr, "%s\n", error.text);
 *     quern_context_free(context);
 *     quern_model_close(model);
 *
 * Vectors have length 1 unless a program asks for others. So quern_dot of two vectors says how similar their texts are:
 * 1 for the same direction, about 0 for texts that have nothing in common.
 *
 * Errors. A function that can fail returns QUERN_OK (0) or a negative code, and describes the failure in the caller's
 * quern_error. A pointer to a quern_error may always be NULL. Read a quern_error after a failure only: a call that
 * succeeds need not change it. After a failure, arrays that the call should have filled are undefined, and all other
 * outputs are as they were before the call, unless the function says otherwise. The library never exits, aborts or
 * prints.
 *
 * Threads. A model never changes, and any number of threads may use it at once. A context belongs to one thread at a
 * time; it runs worker threads, its own or those of another context. All other functions may be called by any thread at
 * any time. Neither a model nor a context survives fork(): open them in the child process.
 *
 * Memory. quern_context_new allocates what an embedding needs. quern_embed and quern_prepare allocate only when a text
 * has more bytes or tokens than any text before it in the same context.
 *
 * Structures with a size. Options structures, and the info structures that a function fills, begin with their own size.
 * The caller sets it to sizeof the structure. In options, zero in any other field means the default, and NULL in place
 * of the structure means zero in every field. Later versions only append fields, so that a program runs with a newer
 * library. A size that is impossible, or a field that this version does not know and that is not zero, is QUERN_EINVAL.
 *
 * Text. Texts are UTF-8 with a length in bytes. They need not be valid: all bytes are allowed, the zero byte too. */
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

/* Returns the version of the library in use, "major.minor.patch". The string is static. */
QUERN_API const char *quern_version(void);

/* ---------------------------------------------------------------- errors */

enum {
    QUERN_OK = 0,
    QUERN_EINVAL = -1,       /* an argument is wrong */
    QUERN_ENOMEM = -2,       /* there is no memory, or a thread could not be started */
    QUERN_EIO = -3,          /* a file cannot be opened or read, or it was changed while in use */
    QUERN_EFORMAT = -4,      /* a file is damaged, incomplete or contradicts itself */
    QUERN_EUNSUPPORTED = -5, /* the file may be fine, but this version cannot use it, or not in this way */
    QUERN_ETOOLONG = -6,     /* a text has more tokens than the model takes, or the memory given is too small */
    QUERN_ENUMERIC = -7      /* the model gave a vector that is not finite */
};

typedef struct quern_error {
    int code;       /* one of the codes above */
    char text[244]; /* one line of UTF-8 without a newline: what failed, where, and what to do. Where one text is at
                       fault, it says "the text"; the field index says which one */
    int64_t index;  /* the text at fault, counted from 0 among the texts of the call; -1: no single text is at fault */
} quern_error;

/* Returns the name of a code: "format" for QUERN_EFORMAT; "unknown" for a number that is not a code. The string
 * is static. */
QUERN_API const char *quern_error_name(int code);

/* ---------------------------------------------------------------- limits */

#define QUERN_MOST_THREADS 256 /* threads that a context, or the opening of a model, may use */

/* ---------------------------------------------------------------- model */

typedef struct quern_model quern_model;

typedef struct quern_model_options {
    size_t size;
    const char *cpu; /* the best kernel table that may be used, such as "avx2"; NULL: the environment variable QUERN_CPU
                        says which, or else the best that the CPU can run */
    int threads;     /* threads that pack the weights, 1 to QUERN_MOST_THREADS; 0: as many as the process may use */
    int context_length; /* most tokens of a text, prompt and special tokens included: up to
                           quern_model_info.most_context_length. It bounds the memory; vectors do not depend on it. 0:
                           what the file says, or the number that the model's publisher names where the file allows far
                           more */
    const char *known; /* the name in quern_known_info of the published model that the file is; "none": it is none of
                          them; NULL: the library finds out. See "known models" */
    int look_only;   /* 1: the file is checked and described, but its weights are not read, which takes little time and
                        memory. Such a model has no space, and makes no contexts: both are QUERN_EINVAL */
} quern_model_options;

/* Opens a GGUF file, checks all of it, and packs its weights for this CPU. Writes the model to *model; the caller
 * closes it with quern_model_close.
 *
 * The file stays mapped until the model is closed, and must not be changed. If it is changed, or its disk fails, the
 * calls that need the lost part return QUERN_EIO. To make this possible, a handler of SIGBUS is in place while a model
 * is open; it passes on each SIGBUS that does not come from a model's file to the handler that was there before.
 *
 * Fails with QUERN_EINVAL for a NULL argument, wrong options, an unknown kernel table, or a context length or a known
 * model that the file does not allow; QUERN_EIO, QUERN_EFORMAT or QUERN_EUNSUPPORTED for the file; QUERN_ENOMEM. */
QUERN_API int quern_model_open(quern_model **model, const char *path, const quern_model_options *options,
                               quern_error *error);

/* Makes another reference to a model and returns it: the same pointer. Each reference is closed on its own. */
QUERN_API quern_model *quern_model_share(quern_model *model);

/* Gives a reference back; the last one frees the model. model may be NULL. A context holds a reference of its own, so a
 * model may be closed before its contexts are freed. */
QUERN_API void quern_model_close(quern_model *model);

typedef struct quern_model_info {
    size_t size;
    const char *architecture;   /* general.architecture of the file: "gemma-embedding" */
    const char *name;           /* general.name of the file, or "" */
    const char *notice;         /* a line that users must see, such as that the file lacks a part of the model; or
                                   NULL */
    const char *kernels;        /* the kernel table in use: "avx512vnni" */
    const char *kernels_reason; /* why this one was chosen */
    const char *types;          /* the types of the tensors and their numbers: "Q8_0 x 171, F32 x 145" */
    int dimensions;             /* numbers of a full vector */
    int has_head;               /* 1: the file holds the dense head, the layers after the pooling */
    int context_length;         /* most tokens of a text, prompt and special tokens included */
    int layers, heads, kv_heads, head_dimensions; /* the last three are those of the first layer */
    int ffn_dimensions, vocabulary;
    int sliding_window;         /* tokens that local layers look at; 0: there are no local layers */
    int head_hidden_dimensions; /* width between the two dense layers; 0: there are not two */
    uint64_t parameters;        /* weights in the file, without those that no vector needs */
    uint64_t file_bytes;        /* size of the file */
    uint64_t packed_bytes;      /* memory that the packed weights take */
    uint64_t vocabulary_bytes;  /* memory that the tokenizer takes */
    int has_prompts;            /* 0: the model was trained without prompts, and all tasks embed a text as it is */
    int most_context_length;    /* most tokens of a text that the file allows, for quern_model_options.context_length */
    const char *known;          /* the name in quern_known_info of the published model that the file is; NULL: it is
                                   none of them, or the library could not find out */
    const char *known_reason;   /* how that is known: "the file has its name and its shape"; NULL without it */
    int centred_cut;            /* 1: before a whole vector is cut to fewer dimensions, the mean of its numbers is
                                   subtracted, as the known model wants it: see quern_centre */
    const char *pooling;        /* what the rows of a text's tokens become: "mean", their mean; "cls", the first one;
                                   "last", the last one */
} quern_model_info;

/* Fills *info. The strings belong to the model. Fails with QUERN_EINVAL for a NULL argument or a wrong info->size. */
QUERN_API int quern_model_describe(const quern_model *model, quern_model_info *info, quern_error *error);

/* ---------------------------------------------------------------- tasks */

/* What a text is for. Many models were trained with a prompt before each text, which depends on the task. Compare a
 * vector with vectors of the same task, and vectors of queries with vectors of documents. The default is
 * QUERN_TASK_NONE: the text as it is. The command and the server have the same default. A model without prompts
 * (quern_model_info.has_prompts is 0) takes every task, and all tasks mean the same there. */
typedef enum quern_task {
    QUERN_TASK_NONE = 0, /* the text as it is, without a prompt */
    QUERN_TASK_QUERY,
    QUERN_TASK_DOCUMENT, /* the only task that takes a title */
    QUERN_TASK_SIMILARITY,
    QUERN_TASK_CLASSIFICATION,
    QUERN_TASK_CLUSTERING,
    QUERN_TASK_CODE,
    QUERN_TASK_SUMMARIZATION,
    QUERN_TASK_QUESTION_ANSWERING,
    QUERN_TASK_FACT_CHECKING
} quern_task;

/* Returns the name of a task, such as "question-answering", or NULL for a number that is not a task. Tasks are
 * numbered from 0 without gaps. The string is static. */
QUERN_API const char *quern_task_name(quern_task task);

/* Returns the task that a word names, or -1: its name here, or what a service of embeddings calls it, such as
 * "search_query", "passage", "STS" or "RETRIEVAL_DOCUMENT". Upper and lower case are the same, and so are '_', '-', '.'
 * and ' '. word may be NULL. */
QUERN_API int quern_task_find(const char *word);

/* Returns the task that a misspelt word nearly names, to suggest it in a message, or -1 when none is near. A word that
 * names a task is near, too. word may be NULL. */
QUERN_API int quern_task_guess(const char *word);

/* Returns what is put before a text of this task that has no title: the prompt in the model's file, or else that of the
 * known model that the file is, or else that of its architecture; "" for none; NULL for a number that is not a task.
 * The string belongs to the model. */
QUERN_API const char *quern_model_prompt(const quern_model *model, quern_task task);

/* ---------------------------------------------------------------- known models
 *
 * A model file does not say which prompts its model wants, nor how long the texts of its training were. The library
 * knows both for many published models. It takes a file for one of them when the shape fits and the file has the
 * model's full name, or when no other published model has that shape. It never guesses. For any other file there is a
 * notice (quern_model_info.notice), and the caller may name the model in quern_model_options. */

typedef struct quern_known_info {
    size_t size;
    const char *name;         /* short: "bge-small" */
    const char *repository;   /* of the publisher on the hub: "BAAI/bge-small-en-v1.5" */
    const char *license;      /* of the weights: "MIT" */
    const char *languages;    /* "English", "multilingual" */
    const char *architecture; /* general.architecture of its files */
    const char *tokenizer;    /* tokenizer.ggml.model of its files */
    int dimensions, layers;
    int parameters;       /* millions of weights */
    int runs;             /* 1: this version of the library has its architecture and its tokenizer */
    int most_tokens;      /* of a text in the publisher's own tool, which cuts longer ones */
    int least_dimensions; /* the model was trained so that vectors can be cut to so many, or more; 0: it was not */
    int needs_prompts;    /* 1: it was trained with a prompt before every text */
} quern_known_info;

/* Fills *info. Known models are numbered from 0 without gaps. The strings are static. Fails with QUERN_EINVAL for
 * another number, a NULL argument or a wrong info->size. */
QUERN_API int quern_known_describe(int number, quern_known_info *info, quern_error *error);

/* Returns the number of the known model with this short name, or -1. name may be NULL. */
QUERN_API int quern_known_find(const char *name);

/* Returns the prompt of a known model for a task; "" for none; NULL for a number that is not a known model or not a
 * task. The string is static. */
QUERN_API const char *quern_known_prompt(int number, quern_task task);

/* ---------------------------------------------------------------- context */

typedef struct quern_context quern_context;

/* How activations are stored for products with weights. */
typedef enum quern_path {
    QUERN_PATH_FAST = 0, /* activations in the short format of the kernel table, for example int8 in blocks of 32 */
    QUERN_PATH_EXACT = 1 /* activations in float32; 1 - cosine with the exact vector is below 1e-6 */
} quern_path;

typedef struct quern_context_options {
    size_t size;
    int threads;     /* threads that compute, the caller's included, 1 to QUERN_MOST_THREADS; 0: as many as the process
                        may use by affinity, cgroup and $SLURM_CPUS_PER_TASK */
    int path;        /* a quern_path */
    int step_tokens; /* tokens that are computed together, at most 2^20; 0: a good number. It bounds the memory. A
                        single text may have more */
    quern_context *threads_of; /* a context of the same model, whose threads this one uses too; `threads` must then be
                                  0. For the rules about threads the two count as one context. Each is freed on its
                                  own, in any order. NULL: this context starts threads of its own */
    void (*pause)(void *argument); /* called by the thread that embeds, between two layers of every step; NULL: nothing.
                                      It may embed with other contexts, also with those that use the same threads. It
                                      must not free this context or embed with it: quern_embed and quern_embed_tokens
                                      give QUERN_EINVAL for it meanwhile */
    void *pause_argument;
} quern_context_options;

/* Makes a context for a model and writes it to *context; the caller frees it with quern_context_free. A program that
 * embeds in several threads makes a context for each of them. Fails with QUERN_EINVAL for a NULL argument or wrong
 * options; QUERN_ENOMEM. */
QUERN_API int quern_context_new(quern_context **context, quern_model *model, const quern_context_options *options,
                                quern_error *error);

/* Frees a context. context may be NULL. */
QUERN_API void quern_context_free(quern_context *context);

typedef struct quern_context_info {
    size_t size;
    int threads;                /* threads that compute */
    const char *threads_reason; /* why so many: "2 CPUs by affinity; cgroup quota 1.50" */
    const char *path;           /* "fast" or "exact" */
    const char *activations;    /* the format of activations on this path: "int8", "bfloat16", "float32" */
    int step_tokens;            /* tokens that are computed together */
    uint64_t arena_bytes;       /* address space reserved for the computation; memory is taken as it is used */
} quern_context_info;

/* Fills *info. The strings belong to the context. Fails with QUERN_EINVAL for a NULL argument or a wrong info->size. */
QUERN_API int quern_context_describe(const quern_context *context, quern_context_info *info, quern_error *error);

/* ---------------------------------------------------------------- embedding */

typedef struct quern_text {
    const char *data; /* any bytes, not terminated; may be NULL when length is 0 */
    size_t length;    /* in bytes */
} quern_text;

/* Flags. Each function says which of them it takes; any other is QUERN_EINVAL. */
enum {
    QUERN_TRUNCATE = 1,        /* cut off the end of a text that is too long; its special tokens stay */
    QUERN_PARSE_SPECIAL = 2,   /* where a special token is spelled in a text, such as "<eos>", it becomes that token.
                                  For trusted texts only */
    QUERN_NO_NORMALIZE = 4,    /* leave the length of the vector as the model gives it */
    QUERN_NO_SPECIAL = 8,      /* leave out the tokens that open and close every text; in quern_detokenize, all control
                                  tokens */
    QUERN_TRUNCATE_START = 16, /* cut off the start of a text that is too long; its special tokens stay, and its
                                  prompt, unless that has more than half of the tokens that the model takes. When
                                  QUERN_TRUNCATE is set too, this flag counts */
    QUERN_KEEP_SPACE = 32      /* keep the space that some tokenizers put before a text */
};

typedef struct quern_embed_options {
    size_t size;
    int task;         /* a quern_task */
    quern_text title; /* the title of a document, for QUERN_TASK_DOCUMENT; length 0: none. It replaces "none" in a
                         prompt with "title: none"; otherwise the title and a newline follow the prompt. All texts of
                         the call get it, so make a call for each document that has one */
    int dimensions;   /* leading numbers of the vector to keep, 1 to those of the model; 0: all. The vector is cut
                         first, then normalised */
    unsigned flags;   /* some of the flags above, joined with | */
    quern_text prompt; /* what is put before every text instead of the task's prompt, such as an instruction of your
                          own; at most 4096 bytes, and not together with a title. data NULL: the prompt of the task.
                          The name of the space contains a digest of it */
} quern_embed_options;

typedef struct quern_result {
    int32_t code;       /* QUERN_OK: the vector of the text is valid; else the reason why there is none */
    uint32_t tokens;    /* tokens that the vector was made of, prompt and special tokens included. With QUERN_ETOOLONG,
                           tokens that the text has */
    uint32_t truncated; /* tokens that were cut off */
    uint32_t at_least;  /* 1: the text is so long that not all of it was tokenised, and the number of tokens that were
                           cut off, or that the text has, is a lower bound */
} quern_result;

/* Embeds count texts. Writes vectors[count][dimensions], float32, row after row in the order of the texts.
 *
 * capacity  numbers that fit into vectors
 * results   NULL, or count structures to fill
 * options   flags: QUERN_TRUNCATE, QUERN_TRUNCATE_START, QUERN_PARSE_SPECIAL, QUERN_NO_NORMALIZE
 *
 * The vector of a text does not depend on the other texts, their order or the number of threads, in any bit. It depends
 * on the kernel table (quern_model_info.kernels) and the path. A text that is too long and may not be cut is refused in
 * a time that does not depend on its length.
 *
 * One bad text does not fail the others. A text cannot be embedded when it is NULL with a length or has no tokens
 * (QUERN_EINVAL), has too many tokens (QUERN_ETOOLONG), has a character that the vocabulary lacks (QUERN_EFORMAT), or
 * when its vector is not finite (QUERN_ENUMERIC). Then all other texts are still embedded, and the function returns the
 * code of the first text that failed, with its index in error->index. results[i].code is QUERN_OK exactly for the texts
 * whose vectors are valid. The vectors of the other texts are undefined. error->text describes the first failure only;
 * quern_error_name names the codes of the others. An empty text is not a bad text when the model puts tokens around
 * every text: it gets a vector, which means little.
 *
 * Any other failure ends the call; error->index is -1, and results[i].code is this failure for each text that has no
 * valid vector: QUERN_EINVAL for wrong arguments or options; QUERN_ETOOLONG when capacity is less than count times
 * dimensions; QUERN_EUNSUPPORTED when the library has no tokenizer for the model; QUERN_EIO, QUERN_ENOMEM. */
QUERN_API int quern_embed(quern_context *context, const quern_text *texts, size_t count,
                          const quern_embed_options *options, float *vectors, size_t capacity,
                          quern_result *results, quern_error *error);

typedef struct quern_tokens {
    const int32_t *ids; /* used as they are: no prompt and no special tokens are added */
    size_t count;
} quern_tokens;

/* Embeds texts that are tokens already, as quern_tokenize or quern_prepare gives them. It works as quern_embed does,
 * with these differences:
 *
 * - The options must have no task, title or prompt, and not QUERN_PARSE_SPECIAL.
 * - A text that is too long is cut as quern_truncate_tokens cuts.
 * - An empty text, and an id outside the vocabulary, give QUERN_EINVAL for that text.
 * - The model needs no tokenizer. */
QUERN_API int quern_embed_tokens(quern_context *context, const quern_tokens *texts, size_t count,
                                 const quern_embed_options *options, float *vectors, size_t capacity,
                                 quern_result *results, quern_error *error);

/* Writes the name of the space that vectors with these options belong to, with its terminator, to out. An example is
 * "768n-1f0c5e0d3b9a7264-document". The parts are
 *
 * - the number of dimensions,
 * - n for normalised or u for not, and c if a mean was subtracted,
 * - a digest of everything in the file that decides a vector: shape, weights, and all that the tokenizer reads; of
 *   large token embeddings it covers samples,
 * - the task, which is "none" when there is no prompt for it,
 * - a dot and a digest of the prompt, if the prompt of the file or of the options is not that of the architecture.
 *
 * The context length is not covered: it decides only where QUERN_TRUNCATE cuts.
 *
 * Vectors may be compared when their spaces are the same, or differ only in tasks that are meant for each other, as
 * query and document are. The path and the kernel table are not part of the name, because vectors of both paths and of
 * all tables may be compared.
 *
 * Store the name with the vectors, to notice later that the model was replaced. Fails with QUERN_EINVAL for a NULL
 * argument or wrong options. */
#define QUERN_SPACE_SIZE 64
QUERN_API int quern_space(const quern_model *model, const quern_embed_options *options, char out[QUERN_SPACE_SIZE],
                          quern_error *error);

/* ---------------------------------------------------------------- tokens
 *
 * A model reads a text as tokens: numbers, each of which stands for a piece of text. The functions of this part give
 * QUERN_EUNSUPPORTED when the library has no tokenizer for the model, and QUERN_EIO when the model's file was lost. */

typedef struct quern_tokenizer_info {
    size_t size;
    const char *kind;      /* "sentencepiece" (BPE), "character-bpe", "byte-bpe", "wordpiece",
                              "unigram" */
    int vocabulary;        /* tokens in the vocabulary: ids are 0 to vocabulary - 1 */
    int32_t bos, eos;      /* the tokens that open and close every text; -1: none does */
    int32_t unknown;       /* the token for characters that the vocabulary lacks; -1: none */
    int longest_piece;     /* most bytes of text that a token stands for: n bytes have at least n / longest_piece
                              tokens. INT_MAX: any number of bytes, as of characters that the vocabulary lacks */
    int puts_space;        /* 1: the tokenizer puts a space before a text */
} quern_tokenizer_info;

/* Fills *info. The string belongs to the model. Fails with QUERN_EINVAL for a NULL argument or a wrong info->size. */
QUERN_API int quern_tokenizer_describe(const quern_model *model, quern_tokenizer_info *info, quern_error *error);

/* Writes the tokens of a text with the prompt of its task to ids[capacity], and their number to *count. options: flags
 * QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL. Nothing is cut: the text may have more tokens than the model takes.
 *
 * Fails with QUERN_ETOOLONG when capacity is too small: then *count is still set and the first tokens are written, so
 * that a call with NULL and a capacity of 0 asks for the number. Also fails with QUERN_EINVAL for a NULL
 * argument, wrong options or a text of 2^31 bytes or more; QUERN_EFORMAT for a character that the vocabulary lacks;
 * QUERN_ENOMEM. */
QUERN_API int quern_tokenize(quern_context *context, quern_text text, const quern_embed_options *options,
                             int32_t *ids, size_t capacity, size_t *count, quern_error *error);

/* Writes to ids[capacity] the tokens from which quern_embed makes the vector of a text. It is for a program that keeps
 * the tokens and calls quern_embed_tokens later, or in another thread with another context. A capacity of the context
 * length is always enough. Fills *result.
 *
 * Takes the flags of quern_embed, and refuses or cuts a text that is too long as quern_embed does. Time is bounded by
 * the context length: of a very long text that is cut, only the part that can matter is tokenised. Where longest_piece
 * is INT_MAX, this part ends where it has enough tokens.
 *
 * Fails as quern_embed does for one text. Fails with QUERN_ETOOLONG also when capacity is too small. With
 * QUERN_ETOOLONG *result is filled too: its tokens are those that the text has, or that do not fit. */
QUERN_API int quern_prepare(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                            size_t capacity, quern_result *result, quern_error *error);

/* Cuts ids[count] in place to at most limit tokens, and returns how many are left. The first and the last token stay,
 * because they open and close the text. flags: with QUERN_TRUNCATE_START the last tokens before the closing one stay,
 * else the first ones after the opening one. With a limit of 1 the last token is left, with 0 no token. */
QUERN_API size_t quern_truncate_tokens(int32_t *ids, size_t count, size_t limit, unsigned flags);

/* What a token stands for. */
enum {
    QUERN_PART_ADDED = 0, /* not from the text: it opens or closes the text; begin and end are 0 */
    QUERN_PART_PROMPT,    /* bytes [begin, end) of the prompt, with the title in it */
    QUERN_PART_TEXT       /* bytes [begin, end) of the text. A token that begins in the prompt and ends in the text
                             belongs to the text and has begin 0 */
};
typedef struct quern_token_span {
    size_t begin, end; /* in bytes */
    int part;          /* one of the above */
} quern_token_span;

/* Writes to spans[count] where the tokens ids[count] stand in their text. The tokens must be all those that
 * quern_tokenize gave for the same text and options. The spans of a part ascend and do not overlap. A space that the
 * tokenizer has added has an empty span. A token may stand for a part of a character. Fails with QUERN_EINVAL when the
 * tokens are not those of the text, and as quern_tokenize does. */
QUERN_API int quern_token_spans(quern_context *context, quern_text text, const quern_embed_options *options,
                                const int32_t *ids, size_t count, quern_token_span *spans, quern_error *error);

/* Writes the text that ids[count] stand for to out[capacity] without a terminator, and its bytes to *length. A control
 * token stands for its name, such as "<bos>", or with QUERN_NO_SPECIAL for nothing. The space that the tokenizer puts
 * before a text, and after a special token in it, is left out, unless flags has QUERN_KEEP_SPACE. The bytes need not
 * be valid UTF-8.
 *
 * Fails with QUERN_ETOOLONG when capacity is too small: then *length is set and nothing is written, so that a call with
 * NULL and a capacity of 0 asks for the length. Also fails with QUERN_EINVAL for a NULL argument, an unknown flag or an
 * id outside the vocabulary. */
QUERN_API int quern_detokenize(const quern_model *model, const int32_t *ids, size_t count, unsigned flags, char *out,
                               size_t capacity, size_t *length, quern_error *error);

/* Finds the longest part of a text that has at most `tokens` tokens together with its prompt and special tokens; 0
 * stands for the context length. Sets *part to a view of the beginning of the text or, with QUERN_TRUNCATE_START, of
 * its end: the whole text if that fits, else a part that would not fit with one character more. The cut is between two
 * characters of UTF-8. The part is empty when not even the prompt fits.
 *
 * options: flags QUERN_TRUNCATE, QUERN_TRUNCATE_START, QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL. Time depends on the
 * number of tokens and on the text that they stand for, not on the length of the whole text. Fails as quern_tokenize
 * does. */
QUERN_API int quern_truncate(quern_context *context, quern_text text, const quern_embed_options *options, size_t tokens,
                             quern_text *part, quern_error *error);

typedef struct quern_chunk {
    size_t begin, end; /* bytes [begin, end) of the text */
    uint32_t tokens;   /* tokens of the chunk with its prompt and special tokens */
} quern_chunk;

typedef struct quern_chunk_options {
    size_t size;
    size_t tokens;  /* most tokens of a chunk with its prompt and special tokens. 0: the context length, and
                       more than that is not allowed */
    size_t overlap; /* about this many tokens at the end of a chunk are repeated at the beginning of the next one; 0:
                       none. Less than half of the tokens that a chunk has room for beside prompt and special tokens */
} quern_chunk_options;

/* Cuts a long text into chunks, each of which can be embedded with the same options. Writes the chunks in order to
 * chunks[capacity], and their number to *count.
 *
 * A chunk takes as many tokens as it may, but in its last quarter it ends at the last end of a paragraph, or else of a
 * line, of a sentence or of a word, if there is one; else between two characters of UTF-8. Every byte of the text lies
 * in a chunk except white space (as Unicode defines it) between chunks, at the start and at the end; no chunk begins or
 * ends with white space. So a text of white space gives no chunk, and *count is 0. With an overlap, a chunk begins at a
 * word of the chunk before it, where that is possible. The same text and options always give the same chunks. Time is
 * linear in the length of the text.
 *
 * options: task, title and flags of quern_embed. Fails with QUERN_ETOOLONG when capacity is too small: then *count is
 * still set and the first chunks are written, so that a call with NULL and a capacity of 0 asks for the number.
 * Also fails with QUERN_EINVAL for a NULL argument, wrong options, too few tokens or too much overlap; QUERN_EFORMAT
 * for a character that the vocabulary lacks; QUERN_ENOMEM. */
QUERN_API int quern_chunk_text(quern_context *context, quern_text text, const quern_embed_options *options,
                               const quern_chunk_options *chunk_options, quern_chunk *chunks, size_t capacity,
                               size_t *count, quern_error *error);

typedef enum quern_piece_kind {
    QUERN_PIECE_NORMAL = 1,
    QUERN_PIECE_UNKNOWN = 2,      /* stands for characters that the vocabulary lacks */
    QUERN_PIECE_CONTROL = 3,      /* stands for no text: "<bos>" */
    QUERN_PIECE_USER_DEFINED = 4, /* is cut out of a text before all others */
    QUERN_PIECE_UNUSED = 5,
    QUERN_PIECE_BYTE = 6          /* stands for a byte of a character that the vocabulary lacks: "<0x0A>" */
} quern_piece_kind;

typedef struct quern_piece {
    quern_text text; /* as the vocabulary spells it; a space may be spelled U+2581 */
    int kind;        /* a quern_piece_kind */
    float score;     /* by which the tokenizer prefers pieces; what it means depends on the kind of tokenizer */
} quern_piece;

/* Describes token id: the piece of the vocabulary. The text belongs to the model. Fails with QUERN_EINVAL for a NULL
 * argument or an id outside the vocabulary. */
QUERN_API int quern_piece_get(const quern_model *model, int32_t id, quern_piece *piece, quern_error *error);

/* ---------------------------------------------------------------- vectors
 *
 * Functions of vectors alone: they need no model and allocate nothing. */

/* How the numbers of a vector are stored. Numbers of several bytes are little-endian. */
typedef enum quern_dtype {
    QUERN_DTYPE_F32 = 0,   /* IEEE 754 single precision */
    QUERN_DTYPE_F16,       /* IEEE 754 half precision, rounded to nearest, ties to even */
    QUERN_DTYPE_INT8,      /* the number times 127, rounded to nearest, ties to even; numbers above 1 or below -1 are
                              clipped, so vectors should be normalised */
    QUERN_DTYPE_BINARY,    /* one bit for each number: 1 when it is greater than zero. The first number is in the
                              highest bit of its byte, as in NumPy's packbits and pgvector's bit strings */
    QUERN_DTYPE_BINARY_LOW /* the same with the first number in the lowest bit, as in sqlite-vec's bit vectors */
} quern_dtype;

/* Returns the name of a number format: "f32", "f16", "int8", "binary" or "binary-low"; NULL for another number.
 * Formats are numbered from 0 without gaps. The string is static. */
QUERN_API const char *quern_dtype_name(quern_dtype dtype);

/* Returns the number format with this name, or -1. name may be NULL. */
QUERN_API int quern_dtype_find(const char *name);

/* Returns the bytes of a stored vector of so many dimensions; 0 for a number that is not a format, for less than one
 * dimension, and, in the binary formats, for a number of dimensions that is not a multiple of 8. */
QUERN_API size_t quern_encoded_bytes(quern_dtype dtype, int dimensions);

/* Cuts a vector to its leading dimensions and makes it of length 1, unless flags has QUERN_NO_NORMALIZE. Reads the
 * first `dimensions` numbers of vector and writes out[dimensions]; out may be the vector itself. dimensions must not be
 * more than the vector has. A vector of zeros stays as it is.
 *
 * quern_embed does the same: a vector that was embedded whole with QUERN_NO_NORMALIZE and finished later has the same
 * bits. So a program can keep whole vectors and serve any number of dimensions from them. */
QUERN_API void quern_finish(const float *vector, int dimensions, unsigned flags, float *out);

/* Writes vector[dimensions] minus the mean of these numbers to out, which may be the vector itself. quern_embed does so
 * before it cuts the vectors of a model that wants it (quern_model_info.centred_cut), and a program that cuts whole
 * vectors of such a model with quern_finish must do so before. A vector that is not cut stays as it is. */
QUERN_API void quern_centre(const float *vector, int dimensions, float *out);

/* Stores vectors[count][dimensions] in out, row after row, quern_encoded_bytes for each. capacity: bytes that fit into
 * out. out may be the vectors themselves. Numbers should be finite. Fails with QUERN_EINVAL for a NULL argument, a
 * number that is not a format, or dimensions that the format cannot have; QUERN_ETOOLONG when capacity is too small. */
QUERN_API int quern_encode(quern_dtype dtype, const float *vectors, size_t count, int dimensions, void *out,
                           size_t capacity, quern_error *error);

/* Reads stored vectors back: the reverse of quern_encode. Bits become 1 and -1. capacity: numbers that fit into
 * vectors, which must not overlap the stored ones. Fails as quern_encode does. */
QUERN_API int quern_decode(quern_dtype dtype, const void *encoded, size_t count, int dimensions, float *vectors,
                           size_t capacity, quern_error *error);

/* Returns the dot product of two vectors, summed in double precision. For vectors of length 1 it is their cosine. */
QUERN_API double quern_dot(const float *a, const float *b, int dimensions);

/* Returns the cosine of the angle between two vectors, summed in double precision; 0 if one of them is all zeros. */
QUERN_API double quern_cosine(const float *a, const float *b, int dimensions);

#ifdef __cplusplus
}
#endif

#endif
