/* The table of known models. Facts are those of the publishers' model cards and settings. */
#include "known/known.h"

#include "base/count.h"

#define RETRIEVAL "Represent this sentence for searching relevant passages: "
#define INSTRUCTION "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"

typedef const char *const prompt_list[QUERN_ARCH_TASKS];

static prompt_list no_prompts;

/* A prompt for what asks for passages, none for anything else. */
#define FOR_QUESTIONS(prompt)                                                                                          \
    {                                                                                                                  \
        [QUERN_TASK_QUERY] = (prompt), [QUERN_TASK_CODE] = (prompt), [QUERN_TASK_QUESTION_ANSWERING] = (prompt),       \
        [QUERN_TASK_FACT_CHECKING] = (prompt),                                                                         \
    }
static prompt_list retrieval_prompts = FOR_QUESTIONS(RETRIEVAL);
static prompt_list query_prompts = FOR_QUESTIONS("query: ");
static prompt_list instruction_prompts = FOR_QUESTIONS(INSTRUCTION "Query: ");
static prompt_list qwen_prompts = FOR_QUESTIONS(INSTRUCTION "Query:"); /* without a space at the end */

/* Where both sides are of one kind, both are queries. */
static prompt_list e5_prompts = {
    [QUERN_TASK_QUERY] = "query: ",
    [QUERN_TASK_DOCUMENT] = "passage: ",
    [QUERN_TASK_SIMILARITY] = "query: ",
    [QUERN_TASK_CLASSIFICATION] = "query: ",
    [QUERN_TASK_CLUSTERING] = "query: ",
    [QUERN_TASK_CODE] = "query: ",
    [QUERN_TASK_SUMMARIZATION] = "query: ",
    [QUERN_TASK_QUESTION_ANSWERING] = "query: ",
    [QUERN_TASK_FACT_CHECKING] = "query: ",
};

static prompt_list nomic_prompts = {
    [QUERN_TASK_QUERY] = "search_query: ",
    [QUERN_TASK_DOCUMENT] = "search_document: ",
    [QUERN_TASK_CLASSIFICATION] = "classification: ",
    [QUERN_TASK_CLUSTERING] = "clustering: ",
    [QUERN_TASK_CODE] = "search_query: ",
    [QUERN_TASK_QUESTION_ANSWERING] = "search_query: ",
    [QUERN_TASK_FACT_CHECKING] = "search_query: ",
};

#define APACHE .license = "Apache-2.0"
#define MIT .license = "MIT"
#define ENGLISH .languages = "English"
#define MANY .languages = "multilingual"
#define SHAPE(architecture_, dimensions_, layers_, pooling_, tokenizer_)                                               \
    .architecture = (architecture_), .dimensions = (dimensions_), .layers = (layers_), .pooling = (pooling_),          \
    .tokenizer = (tokenizer_)
#define WORDPIECE(dimensions_, layers_, pooling_) SHAPE("bert", dimensions_, layers_, pooling_, "bert")
#define UNIGRAM(dimensions_, layers_, pooling_) SHAPE("bert", dimensions_, layers_, pooling_, "t5")
#define MODERN(dimensions_, layers_, pooling_) SHAPE("modern-bert", dimensions_, layers_, pooling_, "gpt2")
#define NOMIC SHAPE("nomic-bert", 768, 12, QUERN_POOLING_MEAN, "bert")
#define QWEN(dimensions_, layers_) SHAPE("qwen3", dimensions_, layers_, QUERN_POOLING_LAST, "gpt2")
#define MEAN QUERN_POOLING_MEAN
#define FIRST QUERN_POOLING_CLS

static const struct quern_known models[] = {
    {"embeddinggemma", "google/embeddinggemma-300m", "Gemma Terms of Use", MANY, .by_shape = true,
     SHAPE("gemma-embedding", 768, 24, MEAN, "llama"), .parameters = 308, .most_tokens = 2048,
     .least_dimensions = 128},
    {"embeddinggemma2", "google/embeddinggemma-2", APACHE, MANY, .by_shape = true,
     SHAPE("gemma-embedding2", 768, 24, MEAN, "gemma4"), .parameters = 271, .most_tokens = 8192,
     .least_dimensions = 128},

    {"minilm", "sentence-transformers/all-MiniLM-L6-v2", APACHE, ENGLISH, WORDPIECE(384, 6, MEAN), .parameters = 23,
     .most_tokens = 256, .prompts = no_prompts},
    {"minilm-l12", "sentence-transformers/all-MiniLM-L12-v2", APACHE, ENGLISH, WORDPIECE(384, 12, MEAN),
     .parameters = 33, .most_tokens = 128, .prompts = no_prompts},
    {"bge-small", "BAAI/bge-small-en-v1.5", MIT, ENGLISH, WORDPIECE(384, 12, FIRST), .parameters = 33,
     .most_tokens = 512, .prompts = retrieval_prompts},
    {"bge-base", "BAAI/bge-base-en-v1.5", MIT, ENGLISH, WORDPIECE(768, 12, FIRST), .parameters = 109,
     .most_tokens = 512, .prompts = retrieval_prompts},
    {"bge-large", "BAAI/bge-large-en-v1.5", MIT, ENGLISH, WORDPIECE(1024, 24, FIRST), .parameters = 335,
     .most_tokens = 512, .prompts = retrieval_prompts},
    {"e5-small", "intfloat/e5-small-v2", MIT, ENGLISH, WORDPIECE(384, 12, MEAN), .parameters = 33, .most_tokens = 512,
     .prompts = e5_prompts, .needs_prompts = true},
    {"e5-base", "intfloat/e5-base-v2", MIT, ENGLISH, WORDPIECE(768, 12, MEAN), .parameters = 109, .most_tokens = 512,
     .prompts = e5_prompts, .needs_prompts = true},
    {"e5-large", "intfloat/e5-large-v2", MIT, ENGLISH, WORDPIECE(1024, 24, MEAN), .parameters = 335,
     .most_tokens = 512, .prompts = e5_prompts, .needs_prompts = true},
    {"gte-small", "thenlper/gte-small", MIT, ENGLISH, WORDPIECE(384, 12, MEAN), .parameters = 33, .most_tokens = 512,
     .prompts = no_prompts},
    {"gte-base", "thenlper/gte-base", MIT, ENGLISH, WORDPIECE(768, 12, MEAN), .parameters = 109, .most_tokens = 512,
     .prompts = no_prompts},
    {"gte-large", "thenlper/gte-large", MIT, ENGLISH, WORDPIECE(1024, 24, MEAN), .parameters = 335, .most_tokens = 512,
     .prompts = no_prompts},
    {"mxbai-large", "mixedbread-ai/mxbai-embed-large-v1", APACHE, ENGLISH, WORDPIECE(1024, 24, FIRST),
     .parameters = 335, .most_tokens = 512, .prompts = retrieval_prompts, .least_dimensions = 512},
    {"arctic-xs", "Snowflake/snowflake-arctic-embed-xs", APACHE, ENGLISH, WORDPIECE(384, 6, FIRST), .parameters = 23,
     .most_tokens = 512, .prompts = retrieval_prompts},
    {"arctic-s", "Snowflake/snowflake-arctic-embed-s", APACHE, ENGLISH, WORDPIECE(384, 12, FIRST), .parameters = 33,
     .most_tokens = 512, .prompts = retrieval_prompts},
    {"arctic-m", "Snowflake/snowflake-arctic-embed-m", APACHE, ENGLISH, WORDPIECE(768, 12, FIRST), .parameters = 109,
     .most_tokens = 512, .prompts = retrieval_prompts},
    {"arctic-m-v1.5", "Snowflake/snowflake-arctic-embed-m-v1.5", APACHE, ENGLISH, WORDPIECE(768, 12, FIRST),
     .parameters = 109, .most_tokens = 512, .prompts = retrieval_prompts, .least_dimensions = 256},
    {"arctic-l", "Snowflake/snowflake-arctic-embed-l", APACHE, ENGLISH, WORDPIECE(1024, 24, FIRST), .parameters = 335,
     .most_tokens = 512, .prompts = retrieval_prompts},

    {"bge-m3", "BAAI/bge-m3", MIT, MANY, UNIGRAM(1024, 24, FIRST), .parameters = 568, .most_tokens = 8192,
     .prompts = no_prompts},
    {"multilingual-e5-small", "intfloat/multilingual-e5-small", MIT, MANY, UNIGRAM(384, 12, MEAN), .parameters = 118,
     .most_tokens = 512, .prompts = e5_prompts, .needs_prompts = true},
    {"multilingual-e5-base", "intfloat/multilingual-e5-base", MIT, MANY, UNIGRAM(768, 12, MEAN), .parameters = 278,
     .most_tokens = 512, .prompts = e5_prompts, .needs_prompts = true},
    {"multilingual-e5-large", "intfloat/multilingual-e5-large", MIT, MANY, UNIGRAM(1024, 24, MEAN), .parameters = 560,
     .most_tokens = 512, .prompts = e5_prompts, .needs_prompts = true},
    {"multilingual-e5-large-instruct", "intfloat/multilingual-e5-large-instruct", MIT, MANY, UNIGRAM(1024, 24, MEAN),
     .parameters = 560, .most_tokens = 512, .prompts = instruction_prompts},
    {"multilingual-minilm", "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", APACHE, MANY,
     UNIGRAM(384, 12, MEAN), .parameters = 118, .most_tokens = 128, .prompts = no_prompts},
    {"arctic-l-v2", "Snowflake/snowflake-arctic-embed-l-v2.0", APACHE, MANY, UNIGRAM(1024, 24, FIRST),
     .parameters = 568, .most_tokens = 8192, .prompts = query_prompts, .least_dimensions = 256},

    {"nomic", "nomic-ai/nomic-embed-text-v1.5", APACHE, ENGLISH, NOMIC, .parameters = 137, .most_tokens = 2048,
     .prompts = nomic_prompts, .needs_prompts = true, .least_dimensions = 64, .centred_cut = true},
    {"nomic-v1", "nomic-ai/nomic-embed-text-v1", APACHE, ENGLISH, NOMIC, .parameters = 137, .most_tokens = 2048,
     .prompts = nomic_prompts, .needs_prompts = true},

    {"qwen3-embedding", "Qwen/Qwen3-Embedding-0.6B", APACHE, MANY, QWEN(1024, 28), .parameters = 596,
     .most_tokens = 32768, .prompts = qwen_prompts, .least_dimensions = 32},
    {"qwen3-embedding-4b", "Qwen/Qwen3-Embedding-4B", APACHE, MANY, QWEN(2560, 36), .parameters = 4022,
     .most_tokens = 32768, .prompts = qwen_prompts, .least_dimensions = 32},
    {"qwen3-embedding-8b", "Qwen/Qwen3-Embedding-8B", APACHE, MANY, QWEN(4096, 36), .parameters = 7567,
     .most_tokens = 32768, .prompts = qwen_prompts, .least_dimensions = 32},

    {"gte-modernbert", "Alibaba-NLP/gte-modernbert-base", APACHE, ENGLISH, MODERN(768, 22, FIRST), .parameters = 149,
     .most_tokens = 8192, .prompts = no_prompts},
    {"granite-english", "ibm-granite/granite-embedding-english-r2", APACHE, ENGLISH, MODERN(768, 22, FIRST),
     .parameters = 149, .most_tokens = 8192, .prompts = no_prompts},
    {"granite-english-small", "ibm-granite/granite-embedding-small-english-r2", APACHE, ENGLISH,
     MODERN(384, 12, FIRST), .parameters = 47, .most_tokens = 8192, .prompts = no_prompts},
    {"modernbert-embed", "nomic-ai/modernbert-embed-base", APACHE, ENGLISH, MODERN(768, 22, MEAN), .parameters = 149,
     .most_tokens = 8192, .prompts = nomic_prompts, .needs_prompts = true},
};

const struct quern_known *quern_known_all(int *count)
{
    *count = QUERN_COUNT(models);
    return models;
}
