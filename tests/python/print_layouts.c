/* Prints the structures and constants of quern.h and quern_index.h as the compiler sees them, for the Python package,
 * which declares them again: "struct NAME SIZE", "field STRUCT NAME OFFSET SIZE" and "constant NAME VALUE". */
#include "quern_index.h"

#include <stdio.h>

#define STRUCT(name) printf("struct %s %zu\n", #name, sizeof(name))
#define FIELD(name, field) \
    printf("field %s %s %zu %zu\n", #name, #field, offsetof(name, field), sizeof((name){0}.field))
#define CONSTANT(name) printf("constant %s %d\n", #name, (int)(name))

static void print_models(void)
{
    STRUCT(quern_error);
    FIELD(quern_error, code);
    FIELD(quern_error, text);
    FIELD(quern_error, index);
    STRUCT(quern_model_options);
    FIELD(quern_model_options, size);
    FIELD(quern_model_options, cpu);
    FIELD(quern_model_options, threads);
    FIELD(quern_model_options, context_length);
    FIELD(quern_model_options, known);
    FIELD(quern_model_options, look_only);
    STRUCT(quern_model_info);
    FIELD(quern_model_info, size);
    FIELD(quern_model_info, architecture);
    FIELD(quern_model_info, name);
    FIELD(quern_model_info, notice);
    FIELD(quern_model_info, kernels);
    FIELD(quern_model_info, kernels_reason);
    FIELD(quern_model_info, types);
    FIELD(quern_model_info, dimensions);
    FIELD(quern_model_info, has_head);
    FIELD(quern_model_info, context_length);
    FIELD(quern_model_info, layers);
    FIELD(quern_model_info, heads);
    FIELD(quern_model_info, kv_heads);
    FIELD(quern_model_info, head_dimensions);
    FIELD(quern_model_info, ffn_dimensions);
    FIELD(quern_model_info, vocabulary);
    FIELD(quern_model_info, sliding_window);
    FIELD(quern_model_info, head_hidden_dimensions);
    FIELD(quern_model_info, parameters);
    FIELD(quern_model_info, file_bytes);
    FIELD(quern_model_info, packed_bytes);
    FIELD(quern_model_info, vocabulary_bytes);
    FIELD(quern_model_info, has_prompts);
    FIELD(quern_model_info, most_context_length);
    FIELD(quern_model_info, known);
    FIELD(quern_model_info, known_reason);
    FIELD(quern_model_info, centred_cut);
    FIELD(quern_model_info, pooling);
}

static void print_embedding(void)
{
    STRUCT(quern_context_options);
    FIELD(quern_context_options, size);
    FIELD(quern_context_options, threads);
    FIELD(quern_context_options, path);
    FIELD(quern_context_options, step_tokens);
    FIELD(quern_context_options, threads_of);
    FIELD(quern_context_options, pause);
    FIELD(quern_context_options, pause_argument);
    STRUCT(quern_text);
    FIELD(quern_text, data);
    FIELD(quern_text, length);
    STRUCT(quern_embed_options);
    FIELD(quern_embed_options, size);
    FIELD(quern_embed_options, task);
    FIELD(quern_embed_options, title);
    FIELD(quern_embed_options, dimensions);
    FIELD(quern_embed_options, flags);
    FIELD(quern_embed_options, prompt);
    STRUCT(quern_result);
    FIELD(quern_result, code);
    FIELD(quern_result, tokens);
    FIELD(quern_result, truncated);
    FIELD(quern_result, at_least);
}

static void print_index(void)
{
    STRUCT(quern_index_row);
    FIELD(quern_index_row, number);
    FIELD(quern_index_row, name);
    FIELD(quern_index_row, payload);
    STRUCT(quern_index_options);
    FIELD(quern_index_options, size);
    FIELD(quern_index_options, dimensions);
    FIELD(quern_index_options, ids);
    FIELD(quern_index_options, space);
    FIELD(quern_index_options, rows);
    FIELD(quern_index_options, bits);
    FIELD(quern_index_options, threads);
    STRUCT(quern_index_info);
    FIELD(quern_index_info, size);
    FIELD(quern_index_info, dimensions);
    FIELD(quern_index_info, ids);
    FIELD(quern_index_info, space);
    FIELD(quern_index_info, rows);
    FIELD(quern_index_info, bits);
    FIELD(quern_index_info, places);
    FIELD(quern_index_info, count);
    FIELD(quern_index_info, blocks);
    FIELD(quern_index_info, bytes);
    FIELD(quern_index_info, note);
}

static void print_search(void)
{
    STRUCT(quern_searcher_options);
    FIELD(quern_searcher_options, size);
    FIELD(quern_searcher_options, threads);
    FIELD(quern_searcher_options, most_hits);
    FIELD(quern_searcher_options, most_queries);
    FIELD(quern_searcher_options, most_scored);
    STRUCT(quern_hit);
    FIELD(quern_hit, place);
    FIELD(quern_hit, score);
    STRUCT(quern_search_options);
    FIELD(quern_search_options, size);
    FIELD(quern_search_options, hits);
    FIELD(quern_search_options, only);
    FIELD(quern_search_options, space);
    FIELD(quern_search_options, least);
    FIELD(quern_search_options, has_least);
    FIELD(quern_search_options, oversampling);
    STRUCT(quern_search_result);
    FIELD(quern_search_result, hits);
    FIELD(quern_search_result, scored);
    FIELD(quern_search_result, certified);
}

int main(void)
{
    print_models();
    print_embedding();
    print_index();
    print_search();
    CONSTANT(QUERN_EINVAL);
    CONSTANT(QUERN_ENOMEM);
    CONSTANT(QUERN_EIO);
    CONSTANT(QUERN_EFORMAT);
    CONSTANT(QUERN_EUNSUPPORTED);
    CONSTANT(QUERN_ETOOLONG);
    CONSTANT(QUERN_ENUMERIC);
    CONSTANT(QUERN_TASK_NONE);
    CONSTANT(QUERN_TRUNCATE);
    CONSTANT(QUERN_NO_NORMALIZE);
    CONSTANT(QUERN_DTYPE_INT8);
    CONSTANT(QUERN_DTYPE_BINARY);
    CONSTANT(QUERN_MOST_THREADS);
    CONSTANT(QUERN_SPACE_SIZE);
    CONSTANT(QUERN_DTYPE_F32);
    CONSTANT(QUERN_DTYPE_F16);
    CONSTANT(QUERN_INDEX_NUMBERS);
    CONSTANT(QUERN_INDEX_NAMES);
    CONSTANT(QUERN_INDEX_MOST_NAME);
    CONSTANT(QUERN_SEARCH_MOST_HITS);
    return 0;
}
