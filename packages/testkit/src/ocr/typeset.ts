import { createRequire } from "node:module";
import { type Canvas, createCanvas, GlobalFonts, type SKRSContext2D } from "@napi-rs/canvas";

/** Pixels of a rendered line; PP-OCR's recognition wants this height. */
export const HEIGHT = 48;
/** Every line fills this width, so lines can be batched and no model sees a blank tail. */
export const WIDTH = 480;
/** Blank pixels left and right of the text. Detectors cut tightly; from 8 pixels on the model reads spaces there. */
const MARGIN = 4;
/** Fills the height as text that a detector cut out does; at 40 pixels the model doubles spaces. */
const FONT_SIZE = 32;
/** Gaps that are wider than this many spaces are read as two spaces. */
const WIDEST_GAP = 2;
const FAMILY = "Espalier Roboto";

let shared: SKRSContext2D | undefined;

/** For measuring. The font is registered once, under a name that no installed font has. */
function measuring(): SKRSContext2D {
  if (shared) return shared;
  const path = createRequire(import.meta.url).resolve("@fontsource/roboto/files/roboto-latin-400-normal.woff");
  if (!GlobalFonts.registerFromPath(path, FAMILY)) throw new Error(`${path}: the canvas cannot read this font`);
  shared = blank().getContext("2d");
  shared.font = `${FONT_SIZE}px "${FAMILY}"`;
  return shared;
}

function blank(): Canvas {
  return createCanvas(WIDTH, HEIGHT);
}

/** A book measures its words over and over, and shaping one takes the canvas 20 µs. */
const widths = new Map<string, number>();

function widthOf(word: string): number {
  const known = widths.get(word);
  if (known !== undefined) return known;
  const { width } = measuring().measureText(word);
  widths.set(word, width);
  return width;
}

/** Breaks a paragraph greedily into lines that fit the width; the last one may be short, and a word that is too wide stands alone. */
export function* breakIntoLines(paragraph: string): Generator<string> {
  let line: string[] = [];
  for (const word of paragraph.split(/\s+/).filter(Boolean)) {
    if (line.length > 0 && gapIn([...line, word]) < widthOf(" ")) {
      yield line.join(" ");
      line = [];
    }
    line.push(word);
  }
  if (line.length > 0) yield line.join(" ");
}

/** Whether a line can be stretched to the full width, and the gaps between its words stay below two spaces. */
export function fillsTheWidth(line: string): boolean {
  const gap = gapIn(line.split(" "));
  return gap >= widthOf(" ") && gap <= WIDEST_GAP * widthOf(" ");
}

/**
 * The pixels of one line of text, black on white, in Roboto, its words spread evenly over the whole width as in a
 * justified column.
 *
 * @returns grey levels, row-major `[HEIGHT, WIDTH]`, in [0, 255]
 */
export function drawLine(line: string): Uint8Array {
  const context = blank().getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = "black";
  context.textBaseline = "middle";
  context.font = measuring().font;
  const words = line.split(" ");
  const gap = gapIn(words);
  let left = MARGIN;
  for (const word of words) {
    context.fillText(word, left, HEIGHT / 2);
    left += widthOf(word) + gap;
  }
  const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
  // Red, green, blue and opacity of each pixel; the first three are equal.
  return Uint8Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => data[4 * pixel]!);
}

/** Pixels between two words of the justified line; ±infinite for a single word, below 0 when they do not fit. */
function gapIn(words: readonly string[]): number {
  const free = WIDTH - 2 * MARGIN - words.reduce((sum, word) => sum + widthOf(word), 0);
  return free / (words.length - 1);
}
