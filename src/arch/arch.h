/* Architectures as constant data: what a model file of each architecture contains, and how its parts are joined.
 *
 * An architecture is one file in this folder, which holds one `struct quern_arch` and no code. The binder
 * (src/network/) reads a description together with a model file, and the engine (src/engine/) computes what they
 * say. To add an architecture that needs nothing new, write such a file and list it in arch.c. */
#ifndef QUERN_ARCH_ARCH_H
#define QUERN_ARCH_ARCH_H

#include "kernels/kernels.h"
#include "quern.h"

#include <stdbool.h>

/* The numbers that describe a model. A description refers to them by these names; the binder finds their values. */
enum quern_parameter {
    QUERN_P_NONE, /* no parameter; as a size: 1 */

    /* Keys of the file give these. */
    QUERN_P_CONTEXT,    /* most tokens in a text, as the file says */
    QUERN_P_WIDTH,      /* elements of the residual stream */
    QUERN_P_DIMENSIONS, /* elements of a vector; absent: as many as the width */
    QUERN_P_LAYERS,
    QUERN_P_HEADS,
    QUERN_P_KV_HEADS,         /* heads of keys and values in each layer; absent: as many as heads */
    QUERN_P_HEAD,             /* elements of a head; absent: width / heads */
    QUERN_P_VALUE_HEAD,       /* elements of a head's value, which must be those of the head */
    QUERN_P_ROTATED,          /* elements of a head that RoPE rotates, which must be all of them */
    QUERN_P_LOCAL_HEAD,       /* the three above in local layers; absent: the same as in global ones */
    QUERN_P_LOCAL_VALUE_HEAD,
    QUERN_P_LOCAL_ROTATED,
    QUERN_P_FFN,              /* elements of the hidden layer of a feed-forward block */
    QUERN_P_FFN_KIND,         /* an enum quern_ffn_kind; absent: the architecture's */
    QUERN_P_WINDOW,           /* sliding window: a token attends to half of it on either side */
    QUERN_P_PATTERN,          /* the kinds of the layers: see enum quern_layer_pattern */
    QUERN_P_EPSILON,    /* of norms */
    QUERN_P_ROPE_BASE,
    QUERN_P_ROPE_BASE_LOCAL,
    QUERN_P_LAYER_INPUT, /* elements of the input that each layer has for itself */
    QUERN_P_SHARING,     /* layers that attend to the keys and values of another layer, which must be none */
    QUERN_P_POOLING,     /* an enum quern_pooling */
    QUERN_P_CAUSAL,      /* 1: a token attends to earlier ones only */

    /* No key gives these. They are the number of rows of the first tensor that refers to them. */
    QUERN_P_VOCABULARY,
    QUERN_P_TOKEN_TYPES,
    QUERN_P_HEAD_HIDDEN, /* between the two matrices of the dense head */

    QUERN_P_GATE_UP,      /* twice QUERN_P_FFN */
    QUERN_P_LAYER_INPUTS, /* layers * layer input */

    /* Sizes of one layer, by its geometry. */
    QUERN_P_LAYER_HEAD, /* elements of a head */
    QUERN_P_QUERIES,    /* heads * head */
    QUERN_P_KEYS,       /* key and value heads * head */
    QUERN_P_QKV,        /* queries, keys and values */
    QUERN_PARAMETERS
};

enum { QUERN_MOST_LAYERS = 512 };

enum quern_key_kind {
    QUERN_KEY_INTEGER,
    QUERN_KEY_FLOAT,
    QUERN_KEY_BOOL,
    QUERN_KEY_KV_HEADS, /* a whole number for all layers, or an array with a number for each layer */
    QUERN_KEY_PATTERN,  /* a whole number, of which enum quern_layer_pattern says what it means; or an array with a bool
                           for each layer, true: it is local */
    QUERN_KEY_FFN_KIND  /* the name of an activation function, which a gate goes through */
};

/* A key of the file's metadata. Those with a value for each layer come behind that of QUERN_P_LAYERS. An array may have
 * more elements than the model has layers; these are not read. */
struct quern_arch_key {
    const char *name; /* behind "ARCHITECTURE." */
    enum quern_parameter parameter;
    enum quern_key_kind kind;
    double low, high; /* what it may be, both included */
    bool required;
    double fallback; /* its value in a file without it */
};

/* What a tensor is for. Those from QUERN_T_ATTENTION_NORM to QUERN_T_LAYER_SCALE belong to a layer.
 *
 * In an architecture with inputs of layers, layer l adds to the residual stream x, behind its feed-forward block and
 * as enum quern_sum says, W_output (f(W_gate x) * p). f is the activation function of the feed-forward block; p is
 * norm(W_l e / sqrt(width)), with W_l the rows of QUERN_T_LAYER_INPUTS that belong to the layer, and e what the
 * residual stream was before the first layer. */
enum quern_tensor {
    QUERN_T_TOKENS,      /* embeddings of tokens */
    QUERN_T_POSITIONS,   /* learned embeddings of positions, added to those of tokens */
    QUERN_T_TOKEN_TYPES, /* embeddings of token types; the first row is added to every token */
    QUERN_T_EMBEDDING_NORM,
    QUERN_T_LAYER_INPUTS, /* the inputs of all layers, one layer behind the other */
    QUERN_T_LAYER_INPUT_NORM,

    QUERN_T_ATTENTION_NORM, /* before attention */
    QUERN_T_QUERY,
    QUERN_T_KEY,
    QUERN_T_VALUE,
    QUERN_T_QKV, /* the three above in one; a file has this one or those three */
    QUERN_T_QUERY_NORM,
    QUERN_T_KEY_NORM,
    QUERN_T_OUTPUT,
    QUERN_T_ATTENTION_SUM_NORM, /* where attention is added to the residual stream: see enum quern_sum */
    QUERN_T_FFN_NORM,           /* before the feed-forward block */
    QUERN_T_GATE,
    QUERN_T_UP,
    QUERN_T_GATE_UP, /* the two above in one, which an architecture has instead of them: first all rows of gate */
    QUERN_T_DOWN,
    QUERN_T_FFN_SUM_NORM,
    QUERN_T_INPUT_GATE,
    QUERN_T_INPUT_OUTPUT,
    QUERN_T_INPUT_SUM_NORM,
    QUERN_T_LAYER_SCALE, /* one number, by which the residual stream is multiplied at the end of the layer */

    QUERN_T_FINAL_NORM, /* after the last layer */
    QUERN_T_DENSE_1,    /* the dense head, behind the pooling: a file has all its matrices or none */
    QUERN_T_DENSE_2,    /* an architecture whose head is one matrix does not have this one */
    QUERN_TENSORS
};

enum quern_bias { QUERN_BIAS_NONE, QUERN_BIAS_OPTIONAL, QUERN_BIAS_REQUIRED };

/* A tensor NAME.weight of [rows][length], and perhaps a vector NAME.bias of [rows]. rows QUERN_P_NONE: a vector, whose
 * bias has its length. */
struct quern_arch_tensor {
    const char *name; /* "attn_q", which stands for "blk.0.attn_q" and so on; NULL: there is no such tensor */
    enum quern_parameter rows, length;
    enum quern_bias bias; /* the dense head has none */
    bool optional;
    bool not_in_first; /* the first layer does not have it */
};

enum quern_norm_kind {
    QUERN_NORM_RMS,  /* x / sqrt(mean(x^2) + epsilon) * weight */
    QUERN_NORM_LAYER /* (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias, where there is one */
};

/* How the result y of a block is added to the residual stream x. */
enum quern_sum {
    QUERN_SUM_OF_NORM, /* x + norm(y), an RMS norm */
    QUERN_NORM_OF_SUM, /* norm(x + y) */
    QUERN_PLAIN_SUM    /* x + y */
};

/* As numbered in files. */
enum quern_pooling {
    QUERN_POOLING_NONE,
    QUERN_POOLING_MEAN,
    QUERN_POOLING_CLS, /* the first row */
    QUERN_POOLING_LAST,
    QUERN_POOLING_RANK /* of rerankers */
};

/* Layers of one kind: the parameters by which they attend. All layers have QUERN_P_HEADS heads; QUERN_P_KV_HEADS is a
 * matter of each layer. */
struct quern_arch_geometry {
    enum quern_parameter head, value_head, rotated;
    enum quern_parameter window;    /* QUERN_P_NONE: every token attends to the whole text */
    enum quern_parameter rope_base; /* QUERN_P_NONE: nothing is rotated */
};

enum quern_layer_kind { QUERN_LAYER_GLOBAL, QUERN_LAYER_LOCAL, QUERN_LAYER_KINDS };

/* Which layers are of which kind, where the file does not list the kinds; period: the number that it gives instead. */
enum quern_layer_pattern {
    QUERN_PATTERN_GLOBAL,                /* all are global; there is no key */
    QUERN_PATTERN_LAST_OF_PERIOD_GLOBAL, /* only the last layer of each period is global; none when the period is 0 */
    QUERN_PATTERN_FIRST_OF_PERIOD_GLOBAL /* the same with the first layer of each period */
};

/* A file with this tensor is refused, for the reason given. */
struct quern_arch_refusal {
    const char *tensor, *reason;
};

enum { QUERN_ARCH_TASKS = QUERN_TASK_FACT_CHECKING + 1 };

struct quern_arch {
    const char *name;  /* general.architecture of its files, and the beginning of its keys */
    const char *title; /* the model's name for people */
    const struct quern_arch_key *keys;
    int key_count;
    struct quern_arch_tensor tensors[QUERN_TENSORS];

    enum quern_norm_kind norm;
    enum quern_sum sum;
    enum quern_ffn_kind ffn;
    bool may_be_causal;    /* files may ask for causal attention: QUERN_P_CAUSAL */
    bool scales_embedding; /* embeddings of tokens are multiplied by sqrt(width) */
    bool norms_values;     /* every head's values are normed, as keys are, but without a weight */
    bool unscaled_scores;  /* scores are products of queries and keys as they are, not divided by sqrt(head) */
    enum quern_layer_pattern pattern;
    struct quern_arch_geometry geometry[QUERN_LAYER_KINDS];
    unsigned poolings; /* bit 1 << p: files may ask for pooling p */

    const char *prompts[QUERN_ARCH_TASKS]; /* what stands before a text of a task; NULL: nothing. The prompts in a file
                                              come first */
    const char *caveat; /* what users must know of a file that lacks a part of the published model; NULL: nothing */
    int usual_context; /* most tokens of a text unless the user asks for more, which a file may allow; 0: what the file
                          says */
    bool opens_texts, closes_texts, spaces_texts; /* whether the published tokenizer puts a token before, a token behind
                                                     and a space before every text */

    const char *closing_piece; /* the piece that closes every text, whatever a file says; NULL: what the file says */
    const char *ignored; /* a tensor that files may hold, but that no vector needs; NULL: none */
    const struct quern_arch_refusal *refusals;
    int refusal_count;
    uint64_t digest_seed; /* so that equal weights in two architectures belong to two spaces */
};

/* All architectures; their number to count. */
const struct quern_arch *const *quern_arch_all(int *count);

/* The architecture of a name, or NULL. */
const struct quern_arch *quern_arch_find(quern_text name);

/* The name of a tensor in a file: "blk.3.attn_q.weight", or "output_norm.weight" of a tensor that is not part of a
 * layer. part: "weight" or "bias". */
enum { QUERN_TENSOR_NAME = 64 };
void quern_tensor_name(char name[QUERN_TENSOR_NAME], const struct quern_arch *arch, enum quern_tensor tensor, int layer,
                       const char *part);

/* The kind of a layer by the architecture's pattern, where the file gives a period. */
enum quern_layer_kind quern_layer_kind_of(const struct quern_arch *arch, int layer, int period);

/* The descriptions; arch.c lists them. */
extern const struct quern_arch quern_arch_bert, quern_arch_gemma_embedding, quern_arch_gemma_embedding2,
    quern_arch_modern_bert, quern_arch_nomic_bert, quern_arch_qwen3;

#endif
