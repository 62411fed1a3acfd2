/* What the parts of the binder share.
 *
 * The binder goes through a description and a file twice, over two arenas: the first time to check and to measure, the
 * second time to assign. The second time also leaves a list of panels, which all threads pack. */
#ifndef QUERN_NETWORK_BINDER_H
#define QUERN_NETWORK_BINDER_H

#include "network/network.h"

/* A panel to pack: QUERN_PANEL_COLUMNS rows of a tensor. */
struct quern_packing {
    const struct quern_gguf_tensor *tensor;
    const unsigned char *rows;
    size_t row_bytes;
    const struct quern_gemm *gemm;
    unsigned char *panel;
    bool rounded;    /* the panel is of Q8_0, to which the rows are rounded; the same rows are packed unrounded, too */
    uint64_t digest; /* of the rows. digest and what follows are set when the rows are packed */
    bool finite, lacks_memory;
};

struct quern_rotation {
    const float *cosine, *sine; /* [limit][head / 2] */
};

/* What the keys of the file say of one layer. */
struct quern_layer_keys {
    int kv_heads;
    enum quern_layer_kind kind;
};

struct quern_binder {
    struct quern_network *network;
    const struct quern_arch *arch;
    const struct quern_gguf *gguf;
    quern_error *error;
    double values[QUERN_PARAMETERS]; /* of parameters; 0: not known yet. Those that each layer has for itself are the
                                        ones of the layer that is bound */
    struct quern_layer_keys layers[QUERN_MOST_LAYERS];
    int limit; /* most tokens of a text: at first what the caller asks for, 0 for the usual number */

    struct quern_arena tables; /* everything but packed panels */
    const float *ones;         /* as many as the largest head has elements */
    struct quern_matrix layer_inputs[QUERN_PATHS]; /* of all layers, for each path; where layers have their own input */
    struct quern_rotation rotations[QUERN_LAYER_KINDS];
    unsigned char *weights; /* packed panels; NULL while measuring */
    size_t weight_bytes;
    struct quern_packing *packings; /* NULL while measuring */
    size_t packing_count;
    size_t tensor_count; /* tensors of the file that were bound */
};

/* parameters.c: finds the architecture of the file. */
int quern_binder_find_arch(struct quern_binder *binder);

/* parameters.c: reads the keys into values, and checks that they make sense together. */
int quern_binder_read_keys(struct quern_binder *binder);

/* bind.c: everything from the description and the file to the network; called twice. */
int quern_binder_bind(struct quern_binder *binder);

/* bind.c: the tensor of the file that the architecture ignores; NULL: it has none. */
const struct quern_gguf_tensor *quern_binder_ignored(const struct quern_binder *binder);

/* rotations.c: the tables of RoPE of every kind of layer. */
void quern_binder_bind_rotations(struct quern_binder *binder);

/* packing.c: packs the panels, and computes the network's digest. */
int quern_binder_pack(struct quern_binder *binder, int threads);

/* network_digest.c: the digest of everything that decides a vector. The panels' digests must be there already. */
uint64_t quern_binder_digest(const struct quern_binder *binder);

/* The value of a parameter that is a whole number. */
static inline int quern_binder_size(const struct quern_binder *binder, enum quern_parameter parameter)
{
    return parameter == QUERN_P_NONE ? 1 : (int)binder->values[parameter];
}

#endif
