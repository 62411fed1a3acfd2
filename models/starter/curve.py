#!/usr/bin/python3
"""Draw a training log: the contrastive loss of each kind of pair, smoothed, and the development figures.

    curve.py WORK OUT.svg [PHASE]
"""
import json
import sys
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 760, 300, 56, 110, 30, 60
COLOURS = ('#1f6fb2', '#c4501b', '#2f8f4e', '#8b5fb3', '#8a6d1f')
KINDS = ('title_para', 'qa', 'word_gloss', 'nli', 'neighbor')
FIGURES = ('sts256', 'ndcg256', 'sts64', 'ndcg64')
SMOOTH = 0.8


def smooth(points):
    out, mean = [], None
    for x, y in points:
        mean = y if mean is None else SMOOTH * mean + (1 - SMOOTH) * y
        out.append((x, mean))
    return out


class Panel:
    """Axes with a title, and lines named at their right ends."""

    def __init__(self, top, title, right, low, high):
        self.top, self.right, self.low, self.high = top, right, low, high
        self.svg = [f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{title}</text>']
        for i in range(5):
            value = low + (high - low) * i / 4
            y = self.y(value)
            self.svg.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
            x = LEFT + (WIDTH - LEFT - RIGHT) * i / 4
            self.svg.append(f'<text x="{x:.0f}" y="{top + HEIGHT + 16}" text-anchor="middle">{right * i / 4:.0f}'
                            '</text>')
        self.names = []

    def y(self, value):
        return self.top + HEIGHT * (1 - (value - self.low) / (self.high - self.low))

    def line(self, points, colour, name):
        at = [(LEFT + (WIDTH - LEFT - RIGHT) * x / self.right, self.y(y)) for x, y in points]
        path = 'L'.join(f'{x:.1f} {y:.1f}' for x, y in at)
        self.svg.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        self.names.append([at[-1][1] + 4, name, colour])

    def close(self):
        self.names.sort()
        for before, after in zip(self.names, self.names[1:]):
            after[0] = max(after[0], before[0] + 13)
        return self.svg + [f'<text x="{WIDTH - RIGHT + 8}" y="{y:.1f}" fill="{colour}">{name}</text>'
                           for y, name, colour in self.names]


def draw(log):
    right = log[-1]['step']
    losses = {k: smooth([(e['step'], e['loss']) for e in log if e.get('kind') == k]) for k in KINDS}
    losses = {k: v for k, v in losses.items() if v}
    looks = [e for e in log if 'sts256' in e]
    values = [e[f] for e in looks for f in FIGURES]
    upper = Panel(TOP, 'loss by kind of pair', right, 0, max(y for v in losses.values() for _, y in v))
    lower = Panel(TOP + HEIGHT + GAP, 'development: STS-B Spearman, search nDCG@10', right,
                  min(values) - 0.01, max(values) + 0.01)
    for colour, (kind, points) in zip(COLOURS, losses.items()):
        upper.line(points, colour, kind)
    for colour, name in zip(COLOURS, FIGURES):
        lower.line([(e['step'], e[name]) for e in looks], colour, name)
    bottom = TOP + 2 * HEIGHT + GAP + 36
    middle = (WIDTH + LEFT - RIGHT) / 2
    return '\n'.join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" '
                      'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>',
                      *upper.close(), *lower.close(),
                      f'<text x="{middle:.0f}" y="{bottom - 4}" text-anchor="middle">step</text></svg>\n'])


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    phase = sys.argv[3] if len(sys.argv) == 4 else 'layers'
    log = [json.loads(line) for line in (Path(sys.argv[1]) / f'{phase}.log').read_text().splitlines()]
    Path(sys.argv[2]).write_text(draw(log))


if __name__ == '__main__':
    main()
