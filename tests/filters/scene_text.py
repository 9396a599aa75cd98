"""Text that belongs to a scene: boards, plates and jerseys painted into photographs."""

from __future__ import annotations

import cv2
import numpy as np

from tests.filters.watermark_drawings import Colour, Picture, lettering

#: Text, colour of the letters and of what they stand on, where the middle of the board is (parts of width and
#: height), its width (part of the short side), how far its right side is away (0 for as near), and its turn in degrees.
SIGNS: tuple[tuple[str, Colour, Colour, tuple[float, float], float, float, float], ...] = (
    ("BAKERY", (240, 235, 220), (110, 50, 40), (0.34, 0.37), 0.42, 0.25, 4.0),
    ("HOTEL ROMA", (30, 40, 90), (215, 205, 180), (0.64, 0.31), 0.5, 0.2, -6.0),
    ("B-XR 4471", (20, 20, 20), (225, 225, 220), (0.39, 0.66), 0.22, 0.15, 3.0),
    ("MÜLLER 10", (235, 235, 235), (160, 30, 40), (0.61, 0.6), 0.26, 0.1, -8.0),
    ("FOTO STUDIO", (250, 210, 60), (40, 60, 60), (0.36, 0.42), 0.5, 0.3, 5.0),
    ("KING STREET", (245, 245, 245), (30, 90, 60), (0.62, 0.36), 0.34, 0.15, 2.5),
)


def paint_sign(photo: Picture, number: int) -> Picture:
    """`photo` (uint8 (H, W, 3)) with sign `number` standing in it.

    The board is seen in perspective, has a grain and is lit from one side; it is as sharp and as noisy as a photograph.
    """
    text, ink, ground, (across, down), part, away, turn = SIGNS[number % len(SIGNS)]
    rng = np.random.default_rng(number)
    words = np.asarray(lettering(text, 96, "DejaVuSans-Bold", ink), np.float32)
    edge = 50
    height, width = words.shape[0] + 2 * edge, words.shape[1] + 2 * edge
    grain = cv2.GaussianBlur(rng.normal(0, 40, (height, width, 1)).astype(np.float32), (0, 0), 3.0)[..., None]
    board = np.array(ground, np.float32) + grain + rng.normal(0, 5, (height, width, 3)).astype(np.float32)
    alpha = words[..., 3:] / 255 * np.float32(0.95)
    inner = board[edge:-edge, edge:-edge]
    inner[:] = inner * (1 - alpha) + (words[..., :3] + 0.5 * grain[edge:-edge, edge:-edge]) * alpha
    board *= np.linspace(1.08, 0.72, width, dtype=np.float32)[None, :, None]

    rows, columns = photo.shape[:2]
    wide = part * min(rows, columns)
    tall = wide * height / width
    corners = np.array([[-1, -1], [1, -1 + away], [1, 1 - away], [-1, 1]], np.float32) * [wide / 2, tall / 2]
    angle = np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = (corners @ rotation.T + [across * columns, down * rows]).astype(np.float32)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(source, target)
    shrink = cv2.GaussianBlur(board, (0, 0), max(0.5, 0.4 * width / wide))
    seen = cv2.warpPerspective(shrink, warp, (columns, rows), flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(np.ones((height, width), np.float32), warp, (columns, rows))
    cover = cv2.GaussianBlur(cover, (0, 0), 0.8)[..., None]
    noise = rng.normal(0, 2.5, photo.shape)
    return np.clip(np.rint(photo * (1 - cover) + (seen + noise) * cover), 0, 255).astype(np.uint8)
