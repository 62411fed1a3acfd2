#!/usr/bin/python3
"""Write the trained model as GGUF: matrices in Q8_0, norms in F32, the tokenizer as llama.cpp's converter lays it out.

    export.py WORK OUT [--phase layers]
"""
import argparse
from pathlib import Path

import numpy as np
import sentencepiece
import torch

import gguf
import model

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
USER_SCORE = -1000.0
DESCRIPTION = (
    'The starter model of quern: small English sentence embeddings to try, to test and to demonstrate with; not for '
    'real work. Space: 448 dimensions (the first 256, 128 or 64 also serve, normalised anew), mean of all tokens, cosine, '
    'no task prompts. Trained from scratch on 0.4 million pairs of English texts from openly licensed sources, listed in '
    'models/starter/README.md.')


def vocabulary(tokenizer):
    """Texts, scores and types. Runs of spaces are stored as spaces, ordinary pieces score by rank."""
    texts, scores, types, rank = [], [], [], 0
    for i in range(tokenizer.get_piece_size()):
        piece, score = tokenizer.id_to_piece(i), 0.0
        if tokenizer.is_unknown(i):
            kind = UNKNOWN
        elif tokenizer.is_control(i):
            kind = CONTROL
        elif tokenizer.is_byte(i):
            kind = BYTE
        elif tokenizer.get_score(i) == 0 and set(piece) <= set('\n\t\u2581') and piece != '\u2581':
            kind, score, piece = USER, USER_SCORE, piece.replace('\u2581', ' ')
        else:
            kind, score, rank = NORMAL, -float(rank), rank + 1
        texts.append(piece)
        scores.append(score)
        types.append(kind)
    return texts, np.array(scores, '<f4'), np.array(types, '<i4')


def metadata(tokenizer):
    texts, scores, types = vocabulary(tokenizer)
    arch = 'gemma-embedding'
    return {
        'general.architecture': arch,
        'general.type': 'model',
        'general.name': 'quern starter',
        'general.description': DESCRIPTION,
        'general.license': 'cc-by-sa-4.0',
        'general.size_label': '9M',
        'general.tags': ['starter', 'sentence-similarity', 'feature-extraction'],
        'general.languages': ['en'],
        'quern.prompts': 'none',
        arch + '.context_length': model.CONTEXT,
        arch + '.embedding_length': model.WIDTH,
        arch + '.block_count': model.LAYERS,
        arch + '.feed_forward_length': model.FFN,
        arch + '.attention.head_count': model.HEADS,
        arch + '.attention.head_count_kv': 1,
        arch + '.attention.key_length': model.HEAD,
        arch + '.attention.value_length': model.HEAD,
        arch + '.attention.layer_norm_rms_epsilon': model.EPS,
        arch + '.attention.sliding_window': model.WINDOW,
        arch + '.attention.sliding_window_pattern': model.PATTERN,
        arch + '.rope.freq_base': model.BASE_GLOBAL,
        arch + '.rope.freq_base_swa': model.BASE_LOCAL,
        arch + '.pooling_type': 1,
        'tokenizer.ggml.model': 'llama',
        'tokenizer.ggml.pre': 'default',
        'tokenizer.ggml.tokens': texts,
        'tokenizer.ggml.scores': scores,
        'tokenizer.ggml.token_type': types,
        'tokenizer.ggml.bos_token_id': tokenizer.bos_id(),
        'tokenizer.ggml.eos_token_id': tokenizer.eos_id(),
        'tokenizer.ggml.unknown_token_id': tokenizer.unk_id(),
        'tokenizer.ggml.padding_token_id': tokenizer.pad_id(),
        'tokenizer.ggml.add_bos_token': True,
        'tokenizer.ggml.add_eos_token': True,
        'tokenizer.ggml.add_sep_token': False,
        'tokenizer.ggml.add_space_prefix': True,
        'general.quantization_version': 2,
        'general.file_type': 7,
    }


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('work', type=Path)
    ap.add_argument('out', type=Path)
    ap.add_argument('--phase', default='layers')
    a = ap.parse_args()
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(a.work / 'tokenizer.model'))
    weights = torch.load(a.work / f'{a.phase}.pt')['weights']
    tensors = {f'{name}.weight': weights[name].numpy() for name in model.shapes()}
    gguf.write(a.out, metadata(tokenizer), tensors)
    print(a.out, a.out.stat().st_size, 'bytes')


if __name__ == '__main__':
    main()
