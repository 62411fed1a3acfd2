// Writes a folder as sentence-transformers has it: the real tokenizer of Gemma 3, and a tiny model with its vocabulary.
import fs from 'node:fs'
import path from 'node:path'

const LAYERS = 2, WIDTH = 64, FFN = 96, HEADS = 2, HEAD = 32, VOCABULARY = 262144, HIDDEN = 128

// The numbers do not matter, as long as they are finite: bfloat16 from 0.03 to 0.12.
function numbers (count) {
  const data = Buffer.alloc(2 * count)
  for (let i = 0; i < count; i++) data.writeUInt16LE((i % 3 ? 0x3d00 : 0xbd00) + i % 251, 2 * i)
  return data
}

function writeTensors (file, shapes) {
  const header = {}
  let end = 0
  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = 2 * shape.reduce((a, b) => a * b)
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, end += bytes] }
  }
  const json = Buffer.from(JSON.stringify(header)), length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  fs.writeFileSync(file, Buffer.concat([length, json, numbers(end / 2)]))
}

function layer (l) {
  const at = `layers.${l}.`
  return {
    [at + 'input_layernorm.weight']: [WIDTH],
    [at + 'post_attention_layernorm.weight']: [WIDTH],
    [at + 'pre_feedforward_layernorm.weight']: [WIDTH],
    [at + 'post_feedforward_layernorm.weight']: [WIDTH],
    [at + 'self_attn.q_norm.weight']: [HEAD],
    [at + 'self_attn.k_norm.weight']: [HEAD],
    [at + 'self_attn.q_proj.weight']: [HEADS * HEAD, WIDTH],
    [at + 'self_attn.k_proj.weight']: [HEAD, WIDTH],
    [at + 'self_attn.v_proj.weight']: [HEAD, WIDTH],
    [at + 'self_attn.o_proj.weight']: [WIDTH, HEADS * HEAD],
    [at + 'mlp.gate_proj.weight']: [FFN, WIDTH],
    [at + 'mlp.up_proj.weight']: [FFN, WIDTH],
    [at + 'mlp.down_proj.weight']: [WIDTH, FFN]
  }
}

const config = {
  architectures: ['Gemma3TextModel'],
  model_type: 'gemma3_text',
  use_bidirectional_attention: true,
  hidden_activation: 'gelu_pytorch_tanh',
  attention_bias: false,
  max_position_embeddings: 2048,
  hidden_size: WIDTH,
  num_hidden_layers: LAYERS,
  intermediate_size: FFN,
  num_attention_heads: HEADS,
  num_key_value_heads: 1,
  head_dim: HEAD,
  query_pre_attn_scalar: HEAD,
  sliding_window: 256,
  sliding_window_pattern: 2,
  vocab_size: VOCABULARY,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  rope_local_base_freq: 10000
}

const st = 'sentence_transformers.models.'
const modules = [
  { idx: 0, name: '0', path: '', type: st + 'Transformer' },
  { idx: 1, name: '1', path: '1_Pooling', type: st + 'Pooling' },
  { idx: 2, name: '2', path: '2_Dense', type: st + 'Dense' },
  { idx: 3, name: '3', path: '3_Dense', type: st + 'Dense' },
  { idx: 4, name: '4', path: '4_Normalize', type: st + 'Normalize' }
]

export function makeFolder (folder, tokenizer) {
  const put = (name, value) => fs.writeFileSync(path.join(folder, name), JSON.stringify(value))
  for (const name of ['1_Pooling', '2_Dense', '3_Dense']) fs.mkdirSync(path.join(folder, name), { recursive: true })
  put('config.json', config)
  put('modules.json', modules)
  put('1_Pooling/config.json', { word_embedding_dimension: WIDTH, pooling_mode_mean_tokens: true, include_prompt: true })
  for (const [name, from, to] of [['2_Dense', WIDTH, HIDDEN], ['3_Dense', HIDDEN, WIDTH]]) {
    put(name + '/config.json', {
      in_features: from, out_features: to, bias: false, activation_function: 'torch.nn.modules.linear.Identity'
    })
    writeTensors(path.join(folder, name, 'model.safetensors'), { 'linear.weight': [to, from] })
  }
  writeTensors(path.join(folder, 'model.safetensors'), Object.assign(
    { 'embed_tokens.weight': [VOCABULARY, WIDTH], 'norm.weight': [WIDTH] },
    ...Array.from({ length: LAYERS }, (_, l) => layer(l))))
  fs.copyFileSync(path.join(tokenizer, 'tokenizer.json'), path.join(folder, 'tokenizer.json'))
  const names = JSON.parse(fs.readFileSync(path.join(tokenizer, 'tokenizer_config.json'), 'utf8'))
  put('tokenizer_config.json', { ...names, eos_token: '<eos>', add_eos_token: true })
}
