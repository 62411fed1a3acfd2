"""The starter's architecture in torch: `gemma-embedding`, small. Every tensor has the name it has in the GGUF file.

Shapes: E width, F feed-forward, H query heads on one key/value head, D head size, n texts, t tokens.
"""
import math

import torch
import torch.nn.functional as F

VOCAB, WIDTH, FFN, HEADS, HEAD, LAYERS = 18176, 448, 128, 2, 64, 2
CONTEXT, WINDOW, PATTERN = 2048, 256, 2     # the last layer of every PATTERN is global
BASE_LOCAL, BASE_GLOBAL, EPS = 1e4, 1e6, 1e-6
DIMS = (448, 256, 128, 64)
SINK = 8        # trailing dimensions that start with no say in the output: where a token puts its
                # length, the final norm gives it little weight in the mean (as "the" should have)


def shapes():
    s = {'token_embd': (VOCAB, WIDTH), 'output_norm': (WIDTH,)}
    for i in range(LAYERS):
        s.update({f'blk.{i}.{name}': shape for name, shape in {
            'attn_norm': (WIDTH,), 'attn_q': (HEADS * HEAD, WIDTH), 'attn_k': (HEAD, WIDTH), 'attn_v': (HEAD, WIDTH),
            'attn_q_norm': (HEAD,), 'attn_k_norm': (HEAD,), 'attn_output': (WIDTH, HEADS * HEAD),
            'post_attention_norm': (WIDTH,), 'ffn_norm': (WIDTH,), 'ffn_gate': (FFN, WIDTH), 'ffn_up': (FFN, WIDTH),
            'ffn_down': (WIDTH, FFN), 'post_ffw_norm': (WIDTH,)}.items()})
    return s


def initial(rng):
    """Random weights by name. Layers begin near the identity: their post-norms, which scale what they add, are low."""
    w = {}
    for name, shape in shapes().items():
        if len(shape) == 2:
            w[name] = torch.randn(shape, generator=rng) * shape[1] ** -0.5
        else:
            w[name] = torch.full(shape, 0.05 if 'post_' in name else 1.0)
    w['output_norm'][-SINK:] = 0.05
    return w


class RmsNorm(torch.autograd.Function):
    """x / sqrt(mean(x^2) + EPS) * weight.

    With n the normed x, r the reciprocal root and h = dy weight: dx = r (h - n mean(h n)).
    """

    @staticmethod
    def forward(ctx, x, weight):
        r = torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS)
        n = x * r
        ctx.save_for_backward(n, r, weight)
        return n * weight

    @staticmethod
    def backward(ctx, dy):
        n, r, weight = ctx.saved_tensors
        dweight = (dy * n).flatten(0, -2).sum(0)
        h = dy * weight
        return torch.addcmul(h, n, (h * n).mean(-1, keepdim=True), value=-1) * r, dweight


rms_norm = RmsNorm.apply


def rope(x, base):
    """Rotates x [..., t, D]; element i pairs with i + D/2."""
    t, half = x.shape[-2], x.shape[-1] // 2
    angle = torch.arange(t)[:, None] * base ** (-torch.arange(half) / half)
    cos, sin = angle.cos(), angle.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def attention(h, w, p, local, hidden):
    """h [n, t, E]; hidden [n, 1, t] is true where a key is padding."""
    n, t, _ = h.shape
    base = BASE_LOCAL if local else BASE_GLOBAL
    q = F.linear(h, w[p + 'attn_q']).view(n, t, HEADS, HEAD).transpose(1, 2)
    q = rope(rms_norm(q, w[p + 'attn_q_norm']), base).reshape(n, HEADS * t, HEAD)
    k = rope(rms_norm(F.linear(h, w[p + 'attn_k']), w[p + 'attn_k_norm']), base)
    scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(HEAD)
    if local and t > WINDOW // 2:
        at = torch.arange(t)
        far = (at[:, None] - at).abs() > WINDOW // 2
        hidden = hidden | far.repeat(HEADS, 1)
    scores = scores.masked_fill(hidden, -math.inf).softmax(-1)
    out = torch.bmm(scores, F.linear(h, w[p + 'attn_v']))
    out = out.view(n, HEADS, t, HEAD).transpose(1, 2).reshape(n, t, HEADS * HEAD)
    return F.linear(out, w[p + 'attn_output'])


def feed_forward(h, w, p):
    gate = F.gelu(F.linear(h, w[p + 'ffn_gate']), approximate='tanh')
    return F.linear(gate * F.linear(h, w[p + 'ffn_up']), w[p + 'ffn_down'])


def forward(w, ids, lengths):
    """ids [n, t] padded, lengths [n] -> the mean of the final states of each text's own tokens [n, E]."""
    real = torch.arange(ids.shape[1]) < lengths[:, None]
    hidden = ~real[:, None, :]
    x = F.embedding(ids, w['token_embd'], sparse=True) * math.sqrt(WIDTH)
    for i in range(LAYERS):
        p = f'blk.{i}.'
        local = i % PATTERN < PATTERN - 1
        a = attention(rms_norm(x, w[p + 'attn_norm']), w, p, local, hidden)
        x = x + rms_norm(a, w[p + 'post_attention_norm'])
        f = feed_forward(rms_norm(x, w[p + 'ffn_norm']), w, p)
        x = x + rms_norm(f, w[p + 'post_ffw_norm'])
    x = rms_norm(x, w['output_norm'])
    return (x * real[..., None]).sum(1) / lengths[:, None]


def encode(w, texts, chunk=1024, run=map):
    """texts: lists of token ids, BOS and EOS included -> vectors [?, E] in parts, and each text's place in their order.

    Texts of like length share a batch of about `chunk` tokens (what stays in the second-level cache);
    `run` maps the work over the batches, longest first.
    """
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    batches, start = [], 0
    while start < len(order):
        end = start + max(1, chunk // len(texts[order[start]]))
        batches.append([torch.as_tensor(texts[i]) for i in order[start:end]])
        start = end

    learning = torch.is_grad_enabled()      # holds for this thread only, not for those that run does the work on

    def one(batch):
        torch.set_grad_enabled(learning)
        ids = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
        return forward(w, ids, torch.tensor([len(b) for b in batch]))

    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return list(run(one, batches)), back


def encode_bag(w, texts, run=map):
    """The same model without its layers: the mean of normed token embeddings."""
    table = rms_norm(w['token_embd'] * math.sqrt(WIDTH), w['output_norm'])
    lengths = torch.tensor([0] + [len(t) for t in texts[:-1]])
    ids = torch.cat([torch.as_tensor(t) for t in texts])
    return [F.embedding_bag(ids, table, lengths.cumsum(0), mode='mean')], torch.arange(len(texts))
