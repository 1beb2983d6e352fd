import { crc32, deflateSync } from "node:zlib";

/** A picture of one ink on nothing: how much of it every pixel has. */
export interface InkPicture {
  readonly width: number;
  readonly height: number;
  /** Row-major, `width × height`, each from 0 (none, transparent) to `2 ** depth − 1` (opaque black). */
  readonly levels: Uint8Array;
  /** Bits of a pixel. */
  readonly depth: 1 | 4;
}

/**
 * The picture as a PNG with a palette. Without a background of its own it fits a light page as it is, and a dark one inverted.
 *
 * @see https://www.w3.org/TR/png-3/
 */
export function encodePng({ width, height, levels, depth }: InkPicture): Uint8Array {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, depth);
  header.setUint8(9, 3); // indexed colour
  const shades = 2 ** depth;
  const alphas = Uint8Array.from({ length: shades }, (_, level) => Math.round((255 * level) / (shades - 1)));
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("PLTE", new Uint8Array(3 * shades)),
    chunk("tRNS", alphas),
    chunk("IDAT", deflateSync(packedRows(width, height, levels, depth), { level: 9 })),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Every row starts with the byte that says it is not filtered; pixels fill bytes from the highest bits. */
function packedRows(width: number, height: number, levels: Uint8Array, depth: number): Uint8Array {
  const stride = 1 + Math.ceil((width * depth) / 8);
  const rows = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      rows[y * stride + 1 + (bit >> 3)]! |= levels[y * width + x]! << (8 - depth - (bit & 7));
    }
  }
  return rows;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}
