/* The list of architectures, and what is the same in all of them. */
#include "arch/arch.h"

#include "base/count.h"
#include "base/view.h"

#include <stdio.h>

static const struct quern_arch *const architectures[] = {&quern_arch_bert, &quern_arch_gemma_embedding,
                                                    &quern_arch_gemma_embedding2, &quern_arch_modern_bert,
                                                    &quern_arch_nomic_bert, &quern_arch_qwen3};

const struct quern_arch *const *quern_arch_all(int *count)
{
    *count = QUERN_COUNT(architectures);
    return architectures;
}

const struct quern_arch *quern_arch_find(quern_text name)
{
    int count;
    const struct quern_arch *const *all = quern_arch_all(&count);
    for (int i = 0; i < count; i++)
        if (quern_text_is(name, all[i]->name))
            return all[i];
    return NULL;
}

void quern_tensor_name(char name[QUERN_TENSOR_NAME], const struct quern_arch *arch, enum quern_tensor tensor, int layer,
                       const char *part)
{
    if (tensor >= QUERN_T_ATTENTION_NORM && tensor <= QUERN_T_LAYER_SCALE)
        snprintf(name, QUERN_TENSOR_NAME, "blk.%d.%s.%s", layer, arch->tensors[tensor].name, part);
    else
        snprintf(name, QUERN_TENSOR_NAME, "%s.%s", arch->tensors[tensor].name, part);
}

enum quern_layer_kind quern_layer_kind_of(const struct quern_arch *arch, int layer, int period)
{
    const int place = period > 0 ? layer % period : -1;
    switch (arch->pattern) {
    case QUERN_PATTERN_LAST_OF_PERIOD_GLOBAL:
        return place >= 0 && place == period - 1 ? QUERN_LAYER_GLOBAL : QUERN_LAYER_LOCAL;
    case QUERN_PATTERN_FIRST_OF_PERIOD_GLOBAL: return place == 0 ? QUERN_LAYER_GLOBAL : QUERN_LAYER_LOCAL;
    default: return QUERN_LAYER_GLOBAL;
    }
}
