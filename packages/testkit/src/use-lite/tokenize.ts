import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sourcePackage } from "./source-weights.js";

/** USE-lite was trained on at most this many pieces of a text; its own graph cuts the rest as well. */
const MAX_PIECES = 128;
/** The first six pieces stand for control symbols and match no text. */
const CONTROL_PIECES = 6;
const UNKNOWN = 0;
/** Log-probability of a character outside the vocabulary: worse than any piece, whose worst is −14.6. */
const UNKNOWN_SCORE = -20;
/** SentencePiece's mark for a space; a text starts with one. */
const SPACE = "▁";

interface Vocabulary {
  readonly pieces: ReadonlyMap<string, { readonly id: number; readonly score: number }>;
  /** Characters (code points) of the longest piece. */
  readonly longest: number;
}

let loaded: Vocabulary | undefined;

function vocabulary(): Vocabulary {
  loaded ??= readVocabulary();
  return loaded;
}

function readVocabulary(): Vocabulary {
  const entries: readonly [string, number][] = JSON.parse(
    readFileSync(join(sourcePackage().folder, "vocab.json"), "utf8"),
  );
  const pieces = new Map(entries.map(([piece, score], id) => [piece, { id, score }] as const).slice(CONTROL_PIECES));
  return { pieces, longest: Math.max(...[...pieces.keys()].map((piece) => [...piece].length)) };
}

/**
 * USE-lite's ids of a text: the segmentation into pieces with the greatest sum of unigram log-probabilities (Viterbi).
 *
 * The text is normalised to NFKC, its outer white space goes, inner runs count as one space. Neighbouring characters
 * outside the vocabulary become one id 0. Of equally good segmentations the one whose last piece is longest wins.
 *
 * @returns ids in [0, 8000), at most 128, the rest cut off; empty for a text of white space
 * @see Kudo 2018, arXiv:1804.10959, section 3.1
 */
export function tokenize(text: string): number[] {
  const trimmed = text.normalize("NFKC").trim();
  if (trimmed === "") return [];
  const characters = [...(SPACE + trimmed.replace(/\s+/gu, SPACE))];
  return mergeUnknown(bestPath(characters)).slice(0, MAX_PIECES);
}

interface Step {
  /** Sum of log-probabilities from the start. */
  readonly score: number;
  /** Where the last piece begins. */
  readonly from: number;
  readonly id: number;
}

function bestPath(characters: readonly string[]): number[] {
  const steps: Step[] = [{ score: 0, from: -1, id: UNKNOWN }];
  for (let end = 1; end <= characters.length; end++) steps.push(bestStep(characters, steps, end));
  const ids: number[] = [];
  for (let end = characters.length; end > 0; end = steps[end]!.from) ids.push(steps[end]!.id);
  return ids.reverse();
}

function bestStep(characters: readonly string[], steps: readonly Step[], end: number): Step {
  const { pieces, longest } = vocabulary();
  let best: Step = { score: steps[end - 1]!.score + UNKNOWN_SCORE, from: end - 1, id: UNKNOWN };
  let text = "";
  for (let from = end - 1; from >= Math.max(0, end - longest); from--) {
    text = characters[from]! + text;
    const piece = pieces.get(text);
    if (piece === undefined) continue;
    const score = steps[from]!.score + piece.score;
    if (score >= best.score) best = { score, from, id: piece.id };
  }
  return best;
}

function mergeUnknown(ids: readonly number[]): number[] {
  return ids.filter((id, index) => id !== UNKNOWN || ids[index - 1] !== UNKNOWN);
}
