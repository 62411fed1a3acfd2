"""Writes a sentence-transformers folder and, of the same numbers, the GGUF file that it should become, with Python's
struct module alone; quern must make the same file, to the byte. usage: test_convert_struct.py QUERN"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

LAYERS, WIDTH, FFN, HEADS, HEAD, CONTEXT, WINDOW, HIDDEN = 6, 64, 96, 2, 32, 128, 16, 128
BLANK = '\u2581'
F32, F16, Q4_0, Q8_0, BF16 = 0, 1, 2, 8, 30
BLOCKS = {F32: (1, 4), F16: (1, 2), BF16: (1, 2), Q8_0: (32, 34), Q4_0: (32, 18)}
FILE_TYPES = {F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32}


def f32(x):
    return struct.unpack('<f', struct.pack('<f', x))[0]


# ---------------------------------------------------------------- rounding, by its definition

def round_away(x):
    return int(x + 0.5) if x >= 0 else -int(-x + 0.5)


def q8_0(block):
    scale = f32(max(abs(x) for x in block) / 127)
    inverse = f32(1 / scale) if scale else 0
    return struct.pack('<e32b', scale, *(round_away(f32(x * inverse)) for x in block))


def q4_0(block):
    largest = max(block, key=abs)
    scale = f32(largest / -8)
    inverse = f32(1 / scale) if scale else 0
    q = [min(15, int(f32(f32(x * inverse) + 8.5))) for x in block]
    return struct.pack('<e16B', scale, *(q[i] | q[i + 16] << 4 for i in range(16)))


def bf16(x):
    bits = struct.unpack('<I', struct.pack('<f', x))[0]
    return struct.pack('<H', (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)


def encode(kind, values):
    if kind in (Q8_0, Q4_0):
        pack = q8_0 if kind == Q8_0 else q4_0
        return b''.join(pack(values[i:i + 32]) for i in range(0, len(values), 32))
    if kind == BF16:
        return b''.join(map(bf16, values))
    return struct.pack('<%d%s' % (len(values), 'f' if kind == F32 else 'e'), *values)


# ---------------------------------------------------------------- the numbers

def make_pieces():
    """(text, score, SentencePiece's kind, whether tokenizer_config.json has it, and as special, kind in a GGUF file)"""
    pieces = [('<pad>', 0, 3, True, True, 3), ('<eos>', 0, 3, True, True, 3), ('<bos>', 0, 3, True, True, 3),
              ('<unk>', 0, 2, True, True, 3), ('<mask>', 0, 4, True, False, 3), ('<unused0>', 0, 4, True, False, 3),
              ('<b>', 0, 4, True, False, 4), (BLANK * 2, 0, 4, True, False, 4), (BLANK * 3, 0, 4, True, False, 4)]
    pieces += [('<0x%02X>' % i, 0, 6, False, False, 6) for i in range(256)]
    normal = [BLANK + 't', 'he', BLANK + 'the', 'in', 'er', BLANK] + [chr(c) for c in range(ord('!'), ord('~') + 1)]
    return pieces + [(text, -rank, 1, False, False, 1) for rank, text in enumerate(normal)]


def make_tensors(pieces):
    """(name in the checkpoint, name in the model file, shape as the checkpoint has it, values of the checkpoint)"""
    draw = random.Random(7)

    def tensor(source, name, *shape):
        deviation = shape[-1] ** -0.5
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        return source + '.weight', name + '.weight', shape, [f32(draw.gauss(0, deviation)) for _ in range(count)]

    tensors = [tensor('embed_tokens', 'token_embd', len(pieces), WIDTH)]
    for l in range(LAYERS):
        a, b = 'layers.%d.' % l, 'blk.%d.' % l
        tensors += [tensor(a + 'input_layernorm', b + 'attn_norm', WIDTH),
                    tensor(a + 'self_attn.q_proj', b + 'attn_q', HEADS * HEAD, WIDTH),
                    tensor(a + 'self_attn.k_proj', b + 'attn_k', HEAD, WIDTH),
                    tensor(a + 'self_attn.v_proj', b + 'attn_v', HEAD, WIDTH),
                    tensor(a + 'self_attn.q_norm', b + 'attn_q_norm', HEAD),
                    tensor(a + 'self_attn.k_norm', b + 'attn_k_norm', HEAD),
                    tensor(a + 'self_attn.o_proj', b + 'attn_output', WIDTH, HEADS * HEAD),
                    tensor(a + 'post_attention_layernorm', b + 'post_attention_norm', WIDTH),
                    tensor(a + 'pre_feedforward_layernorm', b + 'ffn_norm', WIDTH),
                    tensor(a + 'mlp.gate_proj', b + 'ffn_gate', FFN, WIDTH),
                    tensor(a + 'mlp.up_proj', b + 'ffn_up', FFN, WIDTH),
                    tensor(a + 'mlp.down_proj', b + 'ffn_down', WIDTH, FFN),
                    tensor(a + 'post_feedforward_layernorm', b + 'post_ffw_norm', WIDTH)]
    tensors += [tensor('norm', 'output_norm', WIDTH)]
    return tensors, [tensor('linear', 'dense_2', HIDDEN, WIDTH), tensor('linear', 'dense_3', WIDTH, HIDDEN)]


PROMPTS = {'query': 'task: search result | query: ', 'document': 'title: none | text: '}


# ---------------------------------------------------------------- the folder

def put_json(folder, name, value):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(value, file)


def put_safetensors(path, tensors):
    header, at = {'__metadata__': {'format': 'pt'}}, 0
    for source, _, shape, values in tensors:
        header[source] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [at, at + 4 * len(values)]}
        at += 4 * len(values)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for _, _, _, values in tensors:
            file.write(encode(F32, values))


def varint(x):
    out = b''
    while x >= 128:
        out += bytes([x & 127 | 128])
        x >>= 7
    return out + bytes([x])


def message(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def put_sentencepiece(path, pieces):
    with open(path, 'wb') as file:
        for text, score, kind, _, _, _ in pieces:
            file.write(message(1, message(1, text.encode()) + struct.pack('<Bf', 0x15, score) + b'\x18' + varint(kind)))
        file.write(message(2, b'\x18\x02' + message(2, b'made up')))
        file.write(message(3, message(1, b'identity') + b'\x18\0\x20\0'))


def put_folder(folder, pieces, tensors, dense):
    put_json(folder, 'config.json', {
        'architectures': ['Gemma3TextModel'], 'model_type': 'gemma3_text', 'use_bidirectional_attention': True,
        'hidden_size': WIDTH, 'head_dim': HEAD, 'query_pre_attn_scalar': HEAD, 'intermediate_size': FFN,
        'num_hidden_layers': LAYERS, 'num_attention_heads': HEADS, 'num_key_value_heads': 1, 'rms_norm_eps': 1e-6,
        'max_position_embeddings': CONTEXT, 'sliding_window': WINDOW, 'vocab_size': len(pieces),
        'rope_parameters': {'full_attention': {'rope_type': 'default', 'rope_theta': 1e6},
                            'sliding_attention': {'rope_type': 'default', 'rope_theta': 1e4}},
        'hidden_activation': 'gelu_pytorch_tanh',
        'layer_types': ['full_attention' if l % 6 == 5 else 'sliding_attention' for l in range(LAYERS)]})
    modules = [('', 'Transformer'), ('1_Pooling', 'Pooling'), ('2_Dense', 'Dense'), ('3_Dense', 'Dense'),
               ('4_Normalize', 'Normalize')]
    put_json(folder, 'modules.json', [
        {'idx': i, 'name': str(i), 'path': path, 'type': 'sentence_transformers.models.' + kind}
        for i, (path, kind) in enumerate(modules)])
    put_json(folder, '1_Pooling/config.json', {'word_embedding_dimension': WIDTH, 'pooling_mode_mean_tokens': True,
                                               'pooling_mode_cls_token': False, 'include_prompt': True})
    for number, tensor in ((2, dense[0]), (3, dense[1])):
        put_json(folder, '%d_Dense/config.json' % number, {
            'in_features': tensor[2][1], 'out_features': tensor[2][0], 'bias': False,
            'activation_function': 'torch.nn.modules.linear.Identity'})
        put_safetensors(os.path.join(folder, '%d_Dense/model.safetensors' % number), [tensor])
    put_json(folder, 'config_sentence_transformers.json', {'prompts': PROMPTS, 'default_prompt_name': None})
    put_json(folder, 'tokenizer_config.json', {
        'add_bos_token': True, 'add_eos_token': True, 'bos_token': '<bos>', 'eos_token': '<eos>', 'unk_token': '<unk>',
        'pad_token': '<pad>', 'added_tokens_decoder': {
            str(i): {'content': text, 'special': special}
            for i, (text, _, _, added, special, _) in enumerate(pieces) if added}})
    put_sentencepiece(os.path.join(folder, 'tokenizer.model'), pieces)
    put_safetensors(os.path.join(folder, 'model.safetensors'), tensors)


# ---------------------------------------------------------------- the model file

def text(x):
    x = x if isinstance(x, bytes) else x.encode()
    return struct.pack('<Q', len(x)) + x


def gguf(name, kind, pieces, tensors, dense):
    keys = []

    def put(key, number, body):
        keys.append(text(key) + struct.pack('<I', number) + body)

    def put_u32(key, value):
        put(key, 4, struct.pack('<I', value))

    def put_array(key, number, bodies):
        put(key, 9, struct.pack('<IQ', number, len(bodies)) + b''.join(bodies))

    arch = 'gemma-embedding.'
    put('general.architecture', 8, text('gemma-embedding'))
    put('general.type', 8, text('model'))
    put('general.name', 8, text(name))
    put_u32(arch + 'context_length', CONTEXT)
    put_u32(arch + 'embedding_length', WIDTH)
    put_u32(arch + 'block_count', LAYERS)
    put_u32(arch + 'feed_forward_length', FFN)
    put_u32(arch + 'attention.head_count', HEADS)
    put(arch + 'attention.layer_norm_rms_epsilon', 6, struct.pack('<f', 1e-6))
    put_u32(arch + 'attention.key_length', HEAD)
    put_u32(arch + 'attention.value_length', HEAD)
    put(arch + 'rope.freq_base', 6, struct.pack('<f', 1e6))
    put(arch + 'rope.freq_base_swa', 6, struct.pack('<f', 1e4))
    put_u32(arch + 'attention.sliding_window', WINDOW)
    put_u32(arch + 'attention.head_count_kv', 1)
    for key, value in (('dense_2_feat_in', WIDTH), ('dense_2_feat_out', HIDDEN), ('dense_3_feat_in', HIDDEN),
                       ('dense_3_feat_out', WIDTH), ('pooling_type', 1)):
        put_u32(arch + key, value)
    put('tokenizer.ggml.model', 8, text('llama'))
    put('tokenizer.ggml.pre', 8, text('default'))
    put_array('tokenizer.ggml.tokens', 8, [text(t.replace(BLANK, ' ') if k == 4 else t) for t, _, _, _, _, k in pieces])
    put_array('tokenizer.ggml.scores', 6, [struct.pack('<f', -1000 if added else score)
                                           for _, score, _, added, _, _ in pieces])
    put_array('tokenizer.ggml.token_type', 5, [struct.pack('<i', k) for _, _, _, _, _, k in pieces])
    for key, value in (('bos', 2), ('eos', 1), ('unknown', 3), ('padding', 0)):
        put_u32('tokenizer.ggml.%s_token_id' % key, value)
    for key, value in (('add_bos_token', 1), ('add_eos_token', 1), ('add_sep_token', 0), ('add_space_prefix', 0)):
        put('tokenizer.ggml.' + key, 7, bytes([value]))
    for key, prompt in PROMPTS.items():
        put('quern.prompt.' + key, 8, text(prompt))
    put_u32('general.quantization_version', 2)
    put_u32('general.file_type', FILE_TYPES[kind])

    infos, data = [], b''
    for _, name, shape, values in tensors + dense:
        own = kind
        if len(shape) == 1:
            own, values = F32, [f32(x + 1) for x in values]
        elif kind == Q4_0 and not name.startswith('blk.'):
            own = Q8_0
        infos.append(text(name) + struct.pack('<I%dQIQ' % len(shape), len(shape), *reversed(shape), own, len(data)))
        body = encode(own, values)
        assert len(body) == len(values) // BLOCKS[own][0] * BLOCKS[own][1]
        data += body + b'\0' * (-len(body) % 32)
    head = b'GGUF' + struct.pack('<IQQ', 3, len(infos), len(keys)) + b''.join(keys) + b''.join(infos)
    return head + b'\0' * (-len(head) % 32) + data


def main():
    quern = sys.argv[1]
    pieces = make_pieces()
    tensors, dense = make_tensors(pieces)
    with tempfile.TemporaryDirectory() as work:
        folder, out, texts = (os.path.join(work, name) for name in ('made-up', 'out.gguf', 'texts'))
        put_folder(folder, pieces, tensors, dense)
        for name, kind in (('f32', F32), ('bf16', BF16), ('f16', F16), ('q8_0', Q8_0), ('q4_0', Q4_0)):
            subprocess.run([quern, 'convert', folder, '-o', out, '--type', name], check=True)
            with open(out, 'rb') as file:
                assert file.read() == gguf('made-up', kind, pieces, tensors, dense), name
        subprocess.run([quern, 'convert', folder, '-o', out, '--type', 'f32'], check=True)
        again = os.path.join(work, 'again.gguf')
        for name, kind in (('q8_0', Q8_0), ('q4_0', Q4_0)):
            subprocess.run([quern, 'quantize', out, again, name], check=True)
            with open(again, 'rb') as file:
                assert file.read() == gguf('made-up', kind, pieces, tensors, dense), name
        with open(texts, 'w', encoding='utf-8') as file:
            file.writelines('the %d in %s\n' % (i, 'ther' * i) for i in range(20))
        report = subprocess.run([quern, 'verify', '-m', again, '--against', out, '-i', texts, '--json'], check=True,
                                stdout=subprocess.PIPE)
        report = json.loads(report.stdout)
        assert report['texts'] == 20 and report['neighbours'] == 10, report
        assert 0.5 < report['worst_cosine'] <= report['mean_cosine'] < 1, report


main()
