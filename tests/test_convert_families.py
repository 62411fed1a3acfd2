"""Folders of each family that quern converts: the model file must have the tensors, keys and pieces that llama.cpp's
converter writes, and damaged folders must give one clear error. usage: test_convert_families.py QUERN"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import family_folder
import gguf_file

QUERN = sys.argv[1]
BLANK = '\u2581'
WIDTH, FFN, CONTEXT = 32, 64, 64
WORDS = ['t', 'th', 'the', 'c', 'ca', 'cat', 's']
LETTERS = [chr(c) for c in range(ord('!'), ord('~') + 1)]
T = 'tokenizer.ggml.'


# ---------------------------------------------------------------- tokenizers

def merges_of(pieces):
    """Every split of a piece into two pieces."""
    return [text[:cut] + ' ' + text[cut:] for text in pieces for cut in range(len(text) - 1, 0, -1)
            if text[:cut] in pieces and text[cut:] in pieces]


def ids(**values):
    return {T + name + '_token_id': value for name, value in values.items()}


def charsmap():
    """A character map that turns 'w' into "of": see src/text/charsmap.h."""
    root, key, value = 1, 1 ^ ord('w'), 2
    units = [0] * (key + 1)
    units[0], units[key], units[value] = root << 10, ord('w') | 256 | (key ^ value) << 10, 1 << 31
    return list(struct.pack('<I%dI' % len(units), 4 * len(units), *units) + b'of\0')


def unigram():
    pieces = ['<s>', '<pad>', '</s>', '<unk>', BLANK, BLANK + 'the', BLANK + 'cat', *LETTERS, '<mask>', '[PAD102]']
    last = len(pieces) - 1
    scores = [0.0] * 4 + [-2.0 - 0.25 * i for i in range(last - 5)] + [0.0, -10000.0]
    return {T + 'model': 't5', T + 'pre': 'default', T + 'tokens': pieces, T + 'scores': scores,
            T + 'token_type': [3, 3, 3, 2] + [1] * (last - 5) + [3, 5], T + 'precompiled_charsmap': charsmap(),
            T + 'add_space_prefix': True, T + 'remove_extra_whitespaces': True, T + 'add_bos_token': True,
            T + 'add_eos_token': True, T + 'add_sep_token': False,
            **ids(bos=0, eos=2, unknown=3, seperator=2, padding=1, cls=0, mask=last - 1)}


def wordpiece():
    pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', BLANK + 'the', BLANK + 'cat', 's', 'cat', '[PAD9]']
    return {T + 'model': 'bert', T + 'pre': 'default', T + 'tokens': pieces,
            T + 'token_type': [3] * 5 + [1] * 4 + [5], T + 'normalizer.lowercase': True,
            T + 'normalizer.strip_accents': True,
            **ids(bos=2, eos=3, unknown=1, seperator=3, padding=0, cls=2, mask=4)}


def byte_bpe(pre):
    alphabet, other = [], 256
    for byte in range(256):
        printable = 32 < byte < 127 or 160 < byte != 173
        alphabet.append(chr(byte if printable else other))
        other += not printable
    normal = alphabet + WORDS[1:3] + WORDS[4:6] + ['\u0120' + word for word in WORDS[:6]]
    qwen = pre == 'qwen2'
    special = ['<|endoftext|>', '<|im_end|>', '<tool_call>'] if qwen else ['  ', '[UNK]', '[CLS]', '[SEP]', '[PAD]', '[MASK]']
    kinds = [3, 3, 4] if qwen else [4, 3, 3, 3, 3, 3]
    at = {text: len(normal) + i for i, text in enumerate(special)}
    keys = {T + 'model': 'gpt2', T + 'pre': pre, T + 'tokens': normal + special + ['[PAD%d]' % (len(normal) + len(special))],
            T + 'token_type': [1] * len(normal) + kinds + [5], T + 'merges': merges_of(normal),
            T + 'add_bos_token': not qwen, T + 'add_eos_token': True, T + 'add_sep_token': not qwen,
            T + 'add_space_prefix': False}
    if qwen:
        return {**keys, **ids(bos=at['<|im_end|>'], eos=at['<|endoftext|>'], padding=at['<|endoftext|>'])}
    return {**keys, **ids(bos=at['[CLS]'], cls=at['[CLS]'], eos=at['[SEP]'], seperator=at['[SEP]'], unknown=at['[UNK]'],
                          padding=at['[PAD]'], mask=at['[MASK]'])}


def character_bpe():
    special = ['<pad>', '<eos>', '<bos>', '<unk>', '<mask>', '<|tool_call>']
    normal = [BLANK * 2, *LETTERS, BLANK] + WORDS[1:3] + WORDS[4:6] + [BLANK + word for word in WORDS[:6]]
    pieces = special + ['<0x%02X>' % byte for byte in range(256)] + normal
    return {T + 'model': 'gemma4', T + 'tokens': pieces, T + 'scores': [-1000.0] * len(pieces),
            T + 'token_type': [3] * 5 + [4] + [6] * 256 + [1] * len(normal), T + 'merges': merges_of(normal),
            T + 'add_bos_token': True, T + 'add_eos_token': True, T + 'add_sep_token': False,
            T + 'add_space_prefix': False, **ids(bos=2, eos=1, unknown=3, padding=0, mask=4)}


# ---------------------------------------------------------------- models

def numbers(name, count):
    """The same 1024 numbers again and again, which are others for each tensor."""
    draw = random.Random(name)
    block = [draw.gauss(1 if 'norm' in name else 0, 0.2) for _ in range(min(count, 1024))]
    data = struct.pack('<%df' % len(block), *block)
    return (data * (count // len(block) + 1))[:4 * count]


def tensors_of(shapes):
    """shapes: {name: GGUF's shape}"""
    out = {}
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        out[name] = (gguf_file.F32, list(shape), numbers(name, count))
    return out


def linear(name, length, rows, bias):
    return {name + '.weight': (length, rows), **({name + '.bias': (rows,)} if bias else {})}


def norm(name, bias=False, width=WIDTH):
    return {name + '.weight': (width,), **({name + '.bias': (width,)} if bias else {})}


def model(arch, tokenizer, layers, keys, shapes, pooling, width=WIDTH):
    keys = {arch + '.' + name: value for name, value in {
        'context_length': CONTEXT, 'embedding_length': width, 'block_count': layers, 'feed_forward_length': FFN,
        'pooling_type': pooling, **keys}.items()}
    pieces = len(tokenizer[T + 'tokens'])
    shapes = {'token_embd.weight': (width, pieces), **shapes}
    return {'general.architecture': arch, 'general.type': 'model', 'general.quantization_version': 2,
            'general.file_type': 0, **keys, **tokenizer}, tensors_of(shapes)


def bert(tokenizer, types, layers=2, pooling=2, width=WIDTH):
    shapes = {'position_embd.weight': (width, CONTEXT), 'token_types.weight': (width, types),
              **norm('token_embd_norm', True, width)}
    for l in range(layers):
        b = 'blk.%d.' % l
        for name in ('attn_q', 'attn_k', 'attn_v', 'attn_output'):
            shapes.update(linear(b + name, width, width, True))
        shapes.update({**norm(b + 'attn_output_norm', True, width), **linear(b + 'ffn_up', width, FFN, True),
                       **linear(b + 'ffn_down', FFN, width, True), **norm(b + 'layer_output_norm', True, width)})
    keys, tensors = model('bert', tokenizer, layers, {
        'attention.head_count': 1, 'attention.layer_norm_epsilon': struct.unpack('<f', struct.pack('<f', 1e-5))[0],
        'attention.causal': False}, shapes, pooling, width)
    return {**keys, T + 'token_type_count': types}, tensors


def nomic():
    shapes = {'token_types.weight': (WIDTH, 2), **norm('token_embd_norm', True)}
    for b in ('blk.0.', 'blk.1.'):
        shapes.update({b + 'attn_qkv.weight': (WIDTH, 3 * WIDTH), b + 'attn_output.weight': (WIDTH, WIDTH),
                       **norm(b + 'attn_output_norm', True), b + 'ffn_up.weight': (WIDTH, FFN),
                       b + 'ffn_gate.weight': (WIDTH, FFN), b + 'ffn_down.weight': (FFN, WIDTH),
                       **norm(b + 'layer_output_norm', True)})
    keys, tensors = model('nomic-bert', wordpiece(), 2, {
        'attention.head_count': 1, 'attention.layer_norm_epsilon': 0.5, 'attention.causal': False,
        'rope.freq_base': 1000.0}, shapes, 1)
    return {**keys, T + 'token_type_count': 2}, tensors


def qwen3():
    shapes = norm('output_norm')
    for b in ('blk.0.', 'blk.1.'):
        shapes.update({**norm(b + 'attn_norm'), b + 'attn_q.weight': (WIDTH, 2 * 64), b + 'attn_k.weight': (WIDTH, 64),
                       b + 'attn_v.weight': (WIDTH, 64), b + 'attn_q_norm.weight': (64,), b + 'attn_k_norm.weight': (64,),
                       b + 'attn_output.weight': (2 * 64, WIDTH), **norm(b + 'ffn_norm'),
                       b + 'ffn_up.weight': (WIDTH, FFN), b + 'ffn_gate.weight': (WIDTH, FFN),
                       b + 'ffn_down.weight': (FFN, WIDTH)})
    return model('qwen3', byte_bpe('qwen2'), 2, {
        'attention.head_count': 2, 'attention.head_count_kv': 1, 'attention.key_length': 64,
        'attention.value_length': 64, 'attention.layer_norm_rms_epsilon': 0.5, 'rope.freq_base': 1000000.0}, shapes, 3)


def modern():
    shapes = {**norm('token_embd_norm'), **norm('output_norm')}
    for l in range(4):
        b = 'blk.%d.' % l
        shapes.update({**(norm(b + 'attn_norm') if l > 0 else {}), b + 'attn_qkv.weight': (WIDTH, 3 * WIDTH),
                       b + 'attn_output.weight': (WIDTH, WIDTH), **norm(b + 'ffn_norm'),
                       b + 'ffn_up.weight': (WIDTH, 2 * FFN), b + 'ffn_down.weight': (FFN, WIDTH)})
    return model('modern-bert', byte_bpe('modern-bert'), 4, {
        'attention.head_count': 1, 'attention.layer_norm_epsilon': 0.5, 'attention.causal': False,
        'attention.sliding_window': 16, 'attention.sliding_window_pattern': 3, 'rope.freq_base': 160000.0,
        'rope.freq_base_swa': 10000.0, 'rope.scaling.type': 'none', 'hidden_activation': 'silu'}, shapes, 2)


def gemma2():
    local = [True, True, False, True, True]
    shapes = {'output.weight': (WIDTH, 64), **norm('output_norm'), 'per_layer_model_proj.weight': (WIDTH, 5 * 32),
              'per_layer_proj_norm.weight': (32,)}
    for l, is_local in enumerate(local):
        b, head, kv = 'blk.%d.' % l, 32 if is_local else 64, 2 if is_local else 1
        shapes.update({**norm(b + 'attn_norm'), b + 'attn_q.weight': (WIDTH, 4 * head),
                       b + 'attn_k.weight': (WIDTH, kv * head), b + 'attn_v.weight': (WIDTH, kv * head),
                       b + 'attn_q_norm.weight': (head,), b + 'attn_k_norm.weight': (head,),
                       b + 'attn_output.weight': (4 * head, WIDTH), **norm(b + 'post_attention_norm'),
                       **norm(b + 'ffn_norm'), b + 'ffn_gate.weight': (WIDTH, FFN), b + 'ffn_up.weight': (WIDTH, FFN),
                       b + 'ffn_down.weight': (FFN, WIDTH), **norm(b + 'post_ffw_norm'),
                       b + 'inp_gate.weight': (WIDTH, 32), b + 'proj.weight': (32, WIDTH), **norm(b + 'post_norm'),
                       b + 'layer_output_scale.weight': (1,)})
    return model('gemma-embedding2', character_bpe(), 5, {
        'attention.head_count': 4, 'attention.head_count_kv': [2, 2, 1, 2, 2], 'attention.key_length': 64,
        'attention.value_length': 64, 'attention.key_length_swa': 32, 'attention.value_length_swa': 32,
        'rope.dimension_count': 64, 'rope.dimension_count_swa': 32, 'rope.freq_base': 1000000.0,
        'rope.freq_base_swa': 10000.0, 'attention.layer_norm_rms_epsilon': 0.5, 'attention.sliding_window': 16,
        'attention.sliding_window_pattern': local, 'attention.shared_kv_layers': 0,
        'embedding_length_per_layer_input': 32, 'embedding_length_out': 64, 'attention.causal': False}, shapes, 1)


FAMILIES = {  # a model, rows of the table of positions that no token uses, a text and its pieces
    'xlm-roberta': (bert(unigram(), 1), 2, 'the  cats', ['<s>', BLANK + 'the', BLANK + 'cat', 's', '</s>']),
    'bert-unigram': (bert(unigram(), 2), 0, 'w', ['<s>', BLANK, 'o', 'f', '</s>']),
    'nomic-bert': (nomic(), 0, 'The cats', ['[CLS]', BLANK + 'the', BLANK + 'cat', 's', '[SEP]']),
    'qwen3': (qwen3(), 0, 'the cats', ['the', '\u0120cat', 's', '<|endoftext|>']),
    'modern-bert': (modern(), 0, 'the  cat', ['[CLS]', 'the', '  ', 'cat', '[SEP]']),
    'gemma2': (gemma2(), 0, 'the cats', ['<bos>', 'the', BLANK + 'cat', 's', '<eos>']),
}


# ---------------------------------------------------------------- what is checked

def quern(*arguments):
    return subprocess.run([QUERN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8')


def check_same(made, expected, name):
    (keys, tensors), (made_keys, made_tensors) = expected, made
    assert made_keys.pop('general.name') == name
    assert made_keys == keys, {key: (made_keys.get(key), keys.get(key)) for key in {*made_keys, *keys}
                               if made_keys.get(key) != keys.get(key)}
    assert list(made_tensors) and made_tensors == tensors, set(made_tensors) ^ set(tensors)


def check_family(work, name):
    expected, offset, text, pieces = FAMILIES[name]
    folder, out = os.path.join(work, name), os.path.join(work, 'out.gguf')
    family_folder.write(folder, *expected, offset)
    done = quern('convert', folder, '-o', out, '--type', 'f32')
    assert done.returncode == 0 and done.stderr == '', done
    check_same(gguf_file.read(out), expected, name)
    numbered = [expected[0][T + 'tokens'].index(piece) for piece in pieces]
    tokens = quern('tokenize', '-m', out, text)
    assert json.loads(tokens.stdout) == numbered, (name, tokens, numbered)
    vector = quern('embed', '-m', out, text)
    assert vector.returncode == 0, vector


def check_types(work):
    """What stays wide in a file of few bits, whether it is converted or quantised."""
    out, wide_file, again = (os.path.join(work, name) for name in ('out.gguf', 'wide.gguf', 'again.gguf'))
    for kind, wide, narrow in (('q8_0', 8, 8), ('q4_0', 8, 2)):
        assert quern('convert', os.path.join(work, 'gemma2'), '-o', out, '--type', kind).returncode == 0
        tensors = gguf_file.read(out)[1]
        types = {name: tensors[name][0] for name in ('per_layer_model_proj.weight', 'output.weight', 'token_embd.weight',
                                                     'blk.0.attn_q.weight', 'blk.0.layer_output_scale.weight')}
        assert list(types.values()) == [gguf_file.BF16, wide, wide, narrow, gguf_file.F32], types
        assert quern('embed', '-m', out, 'the').returncode == 0
        assert quern('convert', os.path.join(work, 'gemma2'), '-o', wide_file, '--type', 'f32').returncode == 0
        assert quern('quantize', wide_file, again, kind).returncode == 0
        assert gguf_file.read(again)[1] == tensors, kind


def merges_as_strings(tokenizer):
    tokenizer['model']['merges'] = [' '.join(merge) for merge in tokenizer['model']['merges']]


def normalize_in_steps(tokenizer):
    tokenizer['normalizer'] = {'type': 'Sequence', 'normalizers': [
        tokenizer['normalizer'], {'type': 'Strip', 'strip_left': False, 'strip_right': True},
        {'type': 'Replace', 'pattern': {'Regex': ' {2,}'}, 'content': BLANK}]}
    tokenizer['pre_tokenizer'] = tokenizer['pre_tokenizer']['pretokenizers'][1]


def roberta_ends(tokenizer):
    tokenizer['post_processor'] = {'type': 'RobertaProcessing', 'sep': ['</s>', 2], 'cls': ['<s>', 0]}


def newer_rope(config):
    config['rope_parameters'] = {'full_attention': {'rope_theta': config.pop('global_rope_theta')},
                                 'sliding_attention': {'rope_theta': config.pop('local_rope_theta')}}
    config['layer_types'] = ['full_attention', 'sliding_attention', 'sliding_attention', 'full_attention']


TAKEN = [  # other spellings of the same model
    ('qwen3', 'tokenizer.json', merges_as_strings),
    ('gemma2', 'tokenizer.json', merges_as_strings),
    ('gemma2', 'config.json', lambda c: c['text_config'].update(
        per_layer_config={'2': {'head_dim': 64, 'num_key_value_heads': 1}})),
    ('xlm-roberta', 'tokenizer.json', normalize_in_steps),
    ('xlm-roberta', 'tokenizer.json', roberta_ends),
    ('qwen3', 'config.json', lambda c: c.update(architectures=['Qwen3Model'], layer_types=['full_attention'] * 2)),
    ('qwen3', 'config.json', lambda c: c.update(rope_parameters={'rope_theta': c.pop('rope_theta')})),
    ('modern-bert', 'config.json', newer_rope),
]


def check_taken(work):
    out = os.path.join(work, 'out.gguf')
    for name, file, change in TAKEN:
        with changed(work, name, file, change) as folder:
            done = quern('convert', folder, '-o', out, '--type', 'f32')
            assert done.returncode == 0 and done.stderr == '', (name, done)
            check_same(gguf_file.read(out), FAMILIES[name][0], 'changed')


class changed:
    """A copy of a folder, with one file changed."""

    def __init__(self, work, name, file, change):
        self.folder = os.path.join(work, 'changed')
        shutil.copytree(os.path.join(work, name), self.folder)
        path = os.path.join(self.folder, file)
        if change is None:
            os.remove(path)
            return
        with open(path, encoding='utf-8') as text:
            value = json.load(text)
        change(value)
        with open(path, 'w', encoding='utf-8') as text:
            json.dump(value, text)

    def __enter__(self):
        return self.folder

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def setting(key, value):
    return lambda config: config.update({key: value})


def of_text(key, value):
    return lambda config: config['text_config'].update({key: value})


def part(key, **values):
    return lambda tokenizer: tokenizer[key].update(values)


def last_merge(value):
    return lambda tokenizer: tokenizer['model']['merges'].append(value)


def piece(number, value):
    return lambda tokenizer: tokenizer['model']['vocab'].__setitem__(number, value)


REFUSED = [
    ('xlm-roberta', 'config.json', setting('architectures', ['XLMRobertaForX']), 'quern converts Gemma3TextModel, '),
    ('xlm-roberta', 'config.json', setting('pad_token_id', 65), 'leaves no positions'),
    ('xlm-roberta', 'config.json', setting('max_position_embeddings', 64), 'the settings ask for [62][32]'),
    ('xlm-roberta', 'config.json', setting('vocab_size', 200), 'the settings ask for [200][32]'),
    ('xlm-roberta', 'tokenizer.json', None, 'tokenizer.json'),
    ('xlm-roberta', 'tokenizer.json', setting('normalizer', {'type': 'NFKC'}), 'normalizer'),
    ('xlm-roberta', 'tokenizer.json', setting('normalizer', {'type': 'Sequence', 'normalizers': [
        {'type': 'Lowercase'}]}), 'normalizer'),
    ('xlm-roberta', 'tokenizer.json', part('normalizer', precompiled_charsmap='?'), 'is not base64'),
    ('xlm-roberta', 'tokenizer.json', part('normalizer', precompiled_charsmap='AAAA'), 'character map'),
    ('xlm-roberta', 'tokenizer.json', setting('pre_tokenizer', {'type': 'Whitespace'}), 'pre_tokenizer'),
    ('xlm-roberta', 'tokenizer.json', setting('pre_tokenizer', {
        'type': 'Metaspace', 'replacement': BLANK, 'prepend_scheme': 'first'}), 'pre_tokenizer'),
    ('xlm-roberta', 'tokenizer.json', setting('post_processor', None), 'puts a token before and behind every text'),
    ('xlm-roberta', 'tokenizer.json', setting('post_processor', {
        'type': 'RobertaProcessing', 'sep': ['</s>', 2], 'cls': ['<pad>', 1]}), 'puts other tokens around a text'),
    ('xlm-roberta', 'tokenizer.json', setting('post_processor', {'type': 'RobertaProcessing', 'sep': ['</s>']}),
     'post_processor'),
    ('xlm-roberta', 'tokenizer.json', part('model', byte_fallback=True), 'byte_fallback'),
    ('xlm-roberta', 'tokenizer.json', part('model', unk_id=1000), 'unk_id is 1000, but must be from 0 to'),
    ('xlm-roberta', 'tokenizer.json', part('model', vocab={}), 'model.vocab is not an array'),
    ('xlm-roberta', 'tokenizer.json', piece(9, ['x']), 'piece 9 is not a text and a score'),
    ('xlm-roberta', 'tokenizer.json', piece(9, ['x', 1e300]), 'piece 9 is not a text and a score'),
    ('xlm-roberta', 'tokenizer.json', piece(9, ['', 0]), 'piece 9'),
    ('xlm-roberta', 'tokenizer.json', piece(9, [BLANK + 'the', 0]), 'piece'),
    ('xlm-roberta', '1_Pooling/config.json', setting('pooling_mode_lasttoken', True), 'pooling'),
    ('nomic-bert', 'config.json', setting('activation_function', 'gelu'), 'activation_function is not swiglu'),
    ('nomic-bert', 'config.json', setting('qkv_proj_bias', True), 'qkv_proj_bias is not false'),
    ('nomic-bert', 'config.json', setting('prenorm', True), 'prenorm is not false'),
    ('nomic-bert', 'config.json', setting('causal', True), 'causal is not false'),
    ('nomic-bert', 'config.json', setting('rotary_emb_fraction', 0.5), 'rotary_emb_fraction is 0.5, not 1'),
    ('nomic-bert', 'config.json', setting('rotary_emb_scale_base', 512), 'rotary_emb_scale_base is 512'),
    ('nomic-bert', 'config.json', setting('moe_every_n_layers', 2), 'moe_every_n_layers is 2'),
    ('nomic-bert', 'config.json', setting('n_head', 5), 'n_embd 32 is no multiple of n_head 5'),
    ('nomic-bert', 'config.json', setting('n_inner', 32), 'the settings ask for'),
    ('nomic-bert', 'config.json', setting('n_layer', 3), 'encoder.layers.2.attn.Wqkv.weight is in no'),
    ('nomic-bert', 'config.json', setting('n_layer', 1), 'does not belong to Nomic BERT'),
    ('qwen3', 'config.json', setting('hidden_act', 'gelu'), 'hidden_act is not silu'),
    ('qwen3', 'config.json', setting('attention_bias', True), 'attention_bias is not false'),
    ('qwen3', 'config.json', setting('use_sliding_window', True), 'use_sliding_window is not false'),
    ('qwen3', 'config.json', setting('is_causal', False), 'is_causal is not true'),
    ('qwen3', 'config.json', setting('rope_scaling', {'type': 'yarn'}), 'rope_scaling'),
    ('qwen3', 'config.json', setting('layer_types', ['full_attention', 'sliding_attention']), 'layers with a window'),
    ('qwen3', 'config.json', setting('layer_types', ['full_attention']), 'one element for each layer'),
    ('qwen3', 'config.json', setting('layer_types', ['full_attention', 'linear_attention']), 'an unknown type of layers'),
    ('qwen3', 'config.json', setting('head_dim', 32), 'the settings ask for'),
    ('qwen3', 'config.json', setting('num_key_value_heads', 2), 'the settings ask for'),
    ('qwen3', '1_Pooling/config.json', setting('pooling_mode_mean_tokens', True), 'pooling'),
    ('qwen3', 'tokenizer.json', setting('normalizer', {'type': 'NFKC'}), 'normalizer'),
    ('qwen3', 'tokenizer.json', setting('normalizer', None), 'pre_tokenizer'),
    ('qwen3', 'tokenizer.json', setting('pre_tokenizer', {'type': 'ByteLevel', 'add_prefix_space': True}),
     'pre_tokenizer'),
    ('qwen3', 'tokenizer.json', lambda t: t['pre_tokenizer']['pretokenizers'][0]['pattern'].update(Regex='\\s+'),
     'pre_tokenizer'),
    ('qwen3', 'tokenizer.json', lambda t: t['pre_tokenizer']['pretokenizers'][0].update(behavior='Removed'),
     'pre_tokenizer'),
    ('qwen3', 'tokenizer.json', part('model', byte_fallback=True), 'is not a BPE tokenizer over bytes'),
    ('qwen3', 'tokenizer.json', part('model', ignore_merges=True), 'ignore_merges'),
    ('qwen3', 'tokenizer.json', part('model', vocab=[]), 'model.vocab is not an object'),
    ('qwen3', 'tokenizer.json', last_merge('nospace'), 'is not a pair of pieces'),
    ('qwen3', 'tokenizer.json', last_merge(['a', '']), 'is not a pair of pieces'),
    ('qwen3', 'tokenizer.json', last_merge(['a b', 'c']), 'has a space'),
    ('qwen3', 'tokenizer.json', last_merge(['x', 'y']), 'merge'),
    ('qwen3', 'tokenizer.json', lambda t: t['post_processor']['processors'].append(t['post_processor']['processors'][1]),
     'post_processor'),
    ('modern-bert', 'config.json', setting('hidden_activation', 'relu'), 'hidden_activation is neither gelu nor silu'),
    ('modern-bert', 'config.json', setting('norm_bias', True), 'norm_bias is not false'),
    ('modern-bert', 'config.json', setting('layer_types', ['sliding_attention'] * 4), 'another order of layers'),
    ('modern-bert', 'config.json', setting('rope_parameters', {'full_attention': {'rope_type': 'yarn'}}),
     'rope_type is not default'),
    ('modern-bert', 'config.json', setting('intermediate_size', 32), 'the settings ask for [64][32]'),
    ('gemma2', 'config.json', lambda c: c.pop('text_config'), 'lacks text_config'),
    ('gemma2', 'config.json', setting('text_config', []), 'text_config is not an object'),
    ('gemma2', 'config.json', of_text('model_type', 'gemma4_text'), 'model_type is not embedding_gemma2_text'),
    ('gemma2', 'config.json', of_text('hidden_activation', 'silu'), 'hidden_activation is not'),
    ('gemma2', 'config.json', of_text('num_kv_shared_layers', 2), 'num_kv_shared_layers is 2'),
    ('gemma2', 'config.json', of_text('attention_k_eq_v', True), 'attention_k_eq_v is not false'),
    ('gemma2', 'config.json', of_text('layer_types', None), 'lacks layer_types'),
    ('gemma2', 'config.json', lambda c: c['text_config'].update(layer_types=['sliding_attention'] * 5,
                                                                per_layer_config={}), 'no global layers'),
    ('gemma2', 'config.json', of_text('layer_types', ['sliding_attention'] * 4), 'one element for each layer'),
    ('gemma2', 'config.json', of_text('per_layer_config', {}), 'the settings ask for'),
    ('gemma2', 'config.json', of_text('per_layer_config', {'02': {'head_dim': 64, 'window': 3}}), 'gives layer 2'),
    ('gemma2', 'config.json', of_text('per_layer_config', {'1': {'head_dim': 64}}), 'gives layer 1'),
    ('gemma2', 'config.json', of_text('per_layer_config', {'2': {'head_dim': 'x'}}), 'head_dim is not an integer'),
    ('gemma2', 'config.json', of_text('rope_parameters', {'full_attention': {'partial_rotary_factor': 0.25}}),
     'partial_rotary_factor is 0.25, not 1'),
    ('gemma2', 'config.json', of_text('embedding_dim', 32), 'the settings ask for [32][32]'),
    ('gemma2', 'config.json', of_text('hidden_size_per_layer_input', 64), 'the settings ask for [320][32]'),
    ('gemma2', 'config.json', of_text('sliding_window', 0), 'sliding_window is 0'),
    ('gemma2', 'tokenizer.json', part('model', byte_fallback=False), "Gemma's kind"),
    ('gemma2', 'tokenizer.json', last_merge(['q', 'q']), 'merge'),
    ('gemma2', 'tokenizer.json', None, 'tokenizer.json'),
]


def check_refused(work):
    out = os.path.join(work, 'refused.gguf')
    for name, file, change, says in REFUSED:
        with changed(work, name, file, change) as folder:
            done = quern('convert', folder, '-o', out)
            assert done.returncode == 1 and says in done.stderr, (name, file, says, done)
            assert done.stderr.count('\n') == 1 and not os.path.exists(out), done


def check_notice(work):
    """Spaces that have tokens in the folder's own program, and have none in quern."""
    change = lambda tokenizer: tokenizer.update(pre_tokenizer=tokenizer['pre_tokenizer']['pretokenizers'][1])
    with changed(work, 'xlm-roberta', 'tokenizer.json', change) as folder:
        done = quern('convert', folder, '-o', os.path.join(work, 'out.gguf'))
        assert done.returncode == 0 and 'spaces at the end of a text' in done.stderr, done


def check_known(work):
    """The name of the folder tells a known model, which was not trained for short vectors. Numbers do not matter."""
    keys, tensors = bert(wordpiece(), 2, layers=6, pooling=1, width=384)
    folder, out = os.path.join(work, 'all-MiniLM-L6-v2'), os.path.join(work, 'out.gguf')
    family_folder.write(folder, keys, tensors)
    done = quern('convert', folder, '-o', out)
    assert done.returncode == 0 and done.stderr == '', done
    for dims, says in ((64, 'minilm was not trained for vectors of fewer than its 384 dimensions'), (384, '')):
        done = quern('embed', '-m', out, '-d', str(dims), 'the cats')
        assert done.returncode == 0 and says in done.stderr and (says or not done.stderr), done


def main():
    with tempfile.TemporaryDirectory() as work:
        for name in FAMILIES:
            check_family(work, name)
        check_types(work)
        check_taken(work)
        check_refused(work)
        check_notice(work)
        check_known(work)


main()
