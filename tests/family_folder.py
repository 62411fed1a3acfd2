"""Writes the folder of a model, as the hub has it, from the keys and the float32 tensors that its model file has. Knows
the layouts of EmbeddingGemma 2, XLM-R, BERT with unigram, Nomic BERT, Qwen3 and ModernBERT. Shares no code with convert/.
"""
import base64
import json
import os
import re
import struct

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
BLANK = '\u2581'

BERT = {
    'token_embd': 'embeddings.word_embeddings', 'position_embd': 'embeddings.position_embeddings',
    'token_types': 'embeddings.token_type_embeddings', 'token_embd_norm': 'embeddings.LayerNorm',
    'attn_q': 'attention.self.query', 'attn_k': 'attention.self.key', 'attn_v': 'attention.self.value',
    'attn_output': 'attention.output.dense', 'attn_output_norm': 'attention.output.LayerNorm',
    'ffn_up': 'intermediate.dense', 'ffn_down': 'output.dense', 'layer_output_norm': 'output.LayerNorm'}
NOMIC = {
    'token_embd': 'embeddings.word_embeddings', 'token_types': 'embeddings.token_type_embeddings',
    'token_embd_norm': 'emb_ln', 'attn_qkv': 'attn.Wqkv', 'attn_output': 'attn.out_proj', 'attn_output_norm': 'norm1',
    'ffn_up': 'mlp.fc11', 'ffn_gate': 'mlp.fc12', 'ffn_down': 'mlp.fc2', 'layer_output_norm': 'norm2'}
QWEN3 = {
    'token_embd': 'embed_tokens', 'output_norm': 'norm', 'attn_norm': 'input_layernorm', 'attn_q': 'self_attn.q_proj',
    'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_q_norm': 'self_attn.q_norm',
    'attn_k_norm': 'self_attn.k_norm', 'attn_output': 'self_attn.o_proj', 'ffn_norm': 'post_attention_layernorm',
    'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj'}
MODERN = {
    'token_embd': 'embeddings.tok_embeddings', 'token_embd_norm': 'embeddings.norm', 'output_norm': 'final_norm',
    'attn_norm': 'attn_norm', 'attn_qkv': 'attn.Wqkv', 'attn_output': 'attn.Wo', 'ffn_norm': 'mlp_norm',
    'ffn_up': 'mlp.Wi', 'ffn_down': 'mlp.Wo'}
GEMMA2 = {
    **QWEN3, 'output': 'embedding_projection', 'per_layer_model_proj': 'ple.per_layer_model_projection',
    'per_layer_proj_norm': 'ple.per_layer_projection_norm', 'post_attention_norm': 'post_attention_layernorm',
    'ffn_norm': 'pre_feedforward_layernorm', 'post_ffw_norm': 'post_feedforward_layernorm',
    'inp_gate': 'ple_block.per_layer_input_gate', 'proj': 'ple_block.per_layer_projection',
    'post_norm': 'ple_block.post_per_layer_input_norm', 'layer_output_scale': 'layer_scalar'}
LAYOUTS = {'bert': ('', 'encoder.layer.', BERT), 'nomic-bert': ('', 'encoder.layers.', NOMIC),
           'qwen3': ('', 'layers.', QWEN3), 'modern-bert': ('model.', 'layers.', MODERN),
           'gemma-embedding2': ('language_model.', 'layers.', GEMMA2)}

QWEN2_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
               r"\s*[\r\n]+|\s+(?!\S)|\s+")


def put_json(folder, name, value):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(value, file)


# ---------------------------------------------------------------- tensors

def checkpoint_name(name, layout):
    """blk.3.attn_q.weight -> encoder.layer.3.attention.self.query.weight"""
    prefix, layers, parts = layout
    layer, part, end = re.fullmatch(r'(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)', name).groups()
    full = prefix + (layers + layer + '.' if layer is not None else '') + parts[part]
    return full if part == 'layer_output_scale' else full + '.' + end


def put_safetensors(path, tensors):
    header, at = {}, 0
    for name, shape, data in tensors:
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for _, _, data in tensors:
            file.write(data)


def put_tensors(folder, arch, tensors, position_offset):
    out = []
    for name, (kind, shape, data) in tensors.items():
        assert kind == 0, name
        shape = list(reversed(shape))
        if name == 'position_embd.weight' and position_offset > 0:  # rows that no token uses
            data = struct.pack('<f', 7) * (position_offset * shape[1]) + data
            shape[0] += position_offset
        out.append((checkpoint_name(name, LAYOUTS[arch]), shape, data))
    if arch == 'gemma-embedding2':
        out.append(('vision_tower.patch_embedder.input_proj.weight', [1], b'\0\0\0\0'))
    if arch == 'qwen3':
        out.append(('lm_head.weight', [1], b'\0\0\0\0'))
    put_safetensors(os.path.join(folder, 'model.safetensors'), out)


# ---------------------------------------------------------------- settings

def config_of(arch, keys, vocabulary, position_offset):
    k = {name[len(arch) + 1:]: value for name, value in keys.items() if name.startswith(arch + '.')}
    common = {'max_position_embeddings': k['context_length'], 'hidden_size': k['embedding_length'],
              'num_hidden_layers': k['block_count'], 'intermediate_size': k['feed_forward_length'],
              'num_attention_heads': k['attention.head_count'], 'vocab_size': vocabulary}
    types = keys.get('tokenizer.ggml.token_type_count')
    if arch == 'bert':
        common['max_position_embeddings'] += position_offset
        return {'architectures': ['XLMRobertaModel' if position_offset else 'BertModel'], **common, 'hidden_act': 'gelu',
                'layer_norm_eps': k['attention.layer_norm_epsilon'], 'type_vocab_size': types,
                'pad_token_id': position_offset - 1 if position_offset else 0, 'position_embedding_type': 'absolute'}
    if arch == 'nomic-bert':
        return {'architectures': ['NomicBertModel'], 'n_positions': 4 * k['context_length'],
                'max_trained_positions': k['context_length'], 'n_embd': k['embedding_length'],
                'n_layer': k['block_count'], 'n_inner': k['feed_forward_length'], 'n_head': k['attention.head_count'],
                'vocab_size': vocabulary, 'type_vocab_size': types, 'activation_function': 'swiglu',
                'layer_norm_epsilon': k['attention.layer_norm_epsilon'], 'rotary_emb_base': k['rope.freq_base'],
                'rotary_emb_fraction': 1.0, 'rotary_emb_interleaved': False, 'rotary_emb_scale_base': None,
                'rotary_scaling_factor': 2, 'qkv_proj_bias': False, 'mlp_fc1_bias': False, 'mlp_fc2_bias': False,
                'prenorm': False, 'causal': False, 'use_rms_norm': False, 'parallel_block': False}
    if arch == 'qwen3':
        return {'architectures': ['Qwen3ForCausalLM'], **common, 'num_key_value_heads': k['attention.head_count_kv'],
                'head_dim': k['attention.key_length'], 'rms_norm_eps': k['attention.layer_norm_rms_epsilon'],
                'rope_theta': k['rope.freq_base'], 'rope_scaling': None, 'hidden_act': 'silu', 'attention_bias': False,
                'use_sliding_window': False, 'sliding_window': None, 'tie_word_embeddings': True}
    if arch == 'modern-bert':
        return {'architectures': ['ModernBertModel'], **common, 'local_attention': k['attention.sliding_window'],
                'global_attn_every_n_layers': k['attention.sliding_window_pattern'],
                'global_rope_theta': k['rope.freq_base'], 'local_rope_theta': k['rope.freq_base_swa'],
                'norm_eps': k['attention.layer_norm_epsilon'], 'norm_bias': False, 'attention_bias': False,
                'mlp_bias': False, 'hidden_activation': k.get('hidden_activation', 'gelu'),
                'position_embedding_type': 'absolute'}
    local = k['attention.sliding_window_pattern']
    heads = k['attention.head_count_kv']
    text = {**common, 'model_type': 'embedding_gemma2_text', 'hidden_activation': 'gelu_pytorch_tanh',
            'attention_bias': False, 'embedding_dim': k['embedding_length_out'],
            'hidden_size_per_layer_input': k['embedding_length_per_layer_input'],
            'num_key_value_heads': heads[local.index(True)], 'head_dim': k['attention.key_length_swa'],
            'sliding_window': k['attention.sliding_window'] // 2,
            'rms_norm_eps': k['attention.layer_norm_rms_epsilon'],
            'layer_types': ['sliding_attention' if is_local else 'full_attention' for is_local in local],
            'per_layer_config': {'%02d' % i: {'head_dim': k['attention.key_length'], 'num_key_value_heads': heads[i]}
                                 for i, is_local in enumerate(local) if not is_local},
            'rope_parameters': {'full_attention': {'rope_type': 'default', 'rope_theta': k['rope.freq_base']},
                                'sliding_attention': {'rope_type': 'default', 'rope_theta': k['rope.freq_base_swa']}}}
    return {'architectures': ['EmbeddingGemma2Model'], 'model_type': 'embedding_gemma2', 'text_config': text,
            'vision_config': {'hidden_size': 1}}


def put_modules(folder, pooling):
    st = 'sentence_transformers.models.'
    put_json(folder, 'modules.json', [{'idx': i, 'name': str(i), 'path': path, 'type': st + kind} for i, (path, kind) in
                                      enumerate([('', 'Transformer'), ('1_Pooling', 'Pooling'),
                                                 ('2_Normalize', 'Normalize')])])
    put_json(folder, '1_Pooling/config.json', {
        'pooling_mode_mean_tokens': pooling == 1, 'pooling_mode_cls_token': pooling == 2,
        'pooling_mode_lasttoken': pooling == 3, 'include_prompt': True})


# ---------------------------------------------------------------- tokenizers

def template(opening, closing, pieces):
    """What stands around a text: ids, or None."""
    special = lambda i: {'SpecialToken': {'id': pieces[i], 'type_id': 0}}
    single = [special(opening)] if opening is not None else []
    single += [{'Sequence': {'id': 'A', 'type_id': 0}}]
    single += [special(closing)] if closing is not None else []
    return {'type': 'TemplateProcessing', 'single': single, 'pair': single, 'special_tokens': {
        pieces[i]: {'id': pieces[i], 'ids': [i], 'tokens': [pieces[i]]} for i in {opening, closing} - {None}}}


def tokenizer_of(keys):
    """(tokenizer.json, tokenizer_config.json)"""
    t = 'tokenizer.ggml.'
    kind, pieces, types = keys[t + 'model'], keys[t + 'tokens'], keys[t + 'token_type']
    ids = {name: keys.get(t + name + '_token_id') for name in ('bos', 'eos', 'unknown', 'padding', 'mask')}
    added = [{'id': i, 'content': text, 'special': types[i] != USER_DEFINED or kind == 'gemma4', 'single_word': False,
              'lstrip': text in ('<mask>', '[MASK]'), 'rstrip': False, 'normalized': False}
             for i, text in enumerate(pieces) if types[i] in (UNKNOWN, CONTROL, USER_DEFINED)]
    used = [(i, text) for i, text in enumerate(pieces) if types[i] != UNUSED]
    merges = [[m[:m.index(' ', 1)], m[m.index(' ', 1) + 1:]] for m in keys.get(t + 'merges', [])]
    ends = template(ids['bos'] if keys.get(t + 'add_bos_token') else None,
                    ids['eos'] if keys.get(t + 'add_eos_token') else None, pieces)
    if kind == 't5':
        vocabulary = [[text, keys[t + 'scores'][i]] for i, text in used]
        parts = {'normalizer': {'type': 'Precompiled', 'precompiled_charsmap':
                                base64.b64encode(bytes(x & 255 for x in keys[t + 'precompiled_charsmap'])).decode()},
                 'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [
                     {'type': 'WhitespaceSplit'},
                     {'type': 'Metaspace', 'replacement': BLANK, 'add_prefix_space': True, 'prepend_scheme': 'always'}]},
                 'post_processor': ends,
                 'model': {'type': 'Unigram', 'unk_id': ids['unknown'], 'vocab': vocabulary}}
        names = {'bos_token': 'bos', 'cls_token': 'bos', 'eos_token': 'eos', 'sep_token': 'eos'}
    elif kind == 'gpt2':
        split = {'type': 'Split', 'pattern': {'Regex': QWEN2_WORDS}, 'behavior': 'Isolated', 'invert': False}
        level = lambda cuts: {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': False, 'use_regex': cuts}
        qwen = keys[t + 'pre'] == 'qwen2'
        parts = {'normalizer': {'type': 'NFC'},
                 'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [split, level(False)]} if qwen else level(True),
                 'post_processor': {'type': 'Sequence', 'processors': [level(False), ends]} if qwen else ends,
                 'model': {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': '',
                           'end_of_word_suffix': '', 'byte_fallback': False, 'merges': merges,
                           'vocab': {text: i for i, text in used if types[i] == NORMAL}}}
        names = {'bos_token': 'bos', 'eos_token': 'eos'} if qwen else {'cls_token': 'bos', 'sep_token': 'eos'}
    elif kind == 'gemma4':
        parts = {'normalizer': {'type': 'Replace', 'pattern': {'String': ' '}, 'content': BLANK},
                 'pre_tokenizer': {'type': 'Split', 'pattern': {'String': ' '}, 'behavior': 'MergedWithPrevious',
                                   'invert': False},
                 'post_processor': ends,
                 'model': {'type': 'BPE', 'dropout': None, 'unk_token': '<unk>', 'fuse_unk': True,
                           'byte_fallback': True, 'merges': merges, 'vocab': {text: i for i, text in used}}}
        names = {'bos_token': 'bos', 'eos_token': 'eos'}
    else:
        spell = lambda i, text: text if types[i] == CONTROL else \
            text[1:] if text.startswith(BLANK) and text != BLANK else '##' + text
        parts = {'normalizer': {'type': 'BertNormalizer', 'clean_text': True, 'handle_chinese_chars': True,
                                'strip_accents': None, 'lowercase': True},
                 'pre_tokenizer': {'type': 'BertPreTokenizer'},
                 'post_processor': template(keys[t + 'cls_token_id'], keys[t + 'seperator_token_id'], pieces),
                 'model': {'type': 'WordPiece', 'unk_token': '[UNK]', 'continuing_subword_prefix': '##',
                           'max_input_chars_per_word': 100, 'vocab': {spell(i, text): i for i, text in used}}}
        names = {}
    names = {**names, 'unk_token': 'unknown', 'pad_token': 'padding', 'mask_token': 'mask'}
    config = {key: pieces[ids[name]] for key, name in names.items() if ids[name] is not None}
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added, 'decoder': None, **parts}, config


def write(folder, keys, tensors, position_offset=0):
    """position_offset: rows of the table of positions before that of the first token; 2 in XLM-R."""
    arch = keys['general.architecture']
    os.makedirs(folder)
    put_tensors(folder, arch, tensors, position_offset)
    put_json(folder, 'config.json', config_of(arch, keys, len(keys['tokenizer.ggml.tokens']), position_offset))
    put_modules(folder, keys[arch + '.pooling_type'])
    tokenizer, config = tokenizer_of(keys)
    put_json(folder, 'tokenizer.json', tokenizer)
    put_json(folder, 'tokenizer_config.json', config)
