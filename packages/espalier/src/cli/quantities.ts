import type { ShardSelection } from "@espalier/calibrate";
import { InvalidArgumentError } from "commander";

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** Parses a number of bytes such as `2GB`, `512MiB` or `1.5 gb` for an option of commander. */
export function byteSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit?.toLowerCase() || "b"];
  if (number === undefined || factor === undefined) {
    throw new InvalidArgumentError("It must be a number of bytes such as 2GB or 512MiB.");
  }
  return Math.floor(Number(number) * factor);
}

/** Parses `I/N` for an option of commander: the part I of N, counted from 0. */
export function shardSelection(text: string): ShardSelection {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const selection = { index: Number(index), of: Number(of) };
  if (of === undefined || selection.index >= selection.of) {
    throw new InvalidArgumentError("It must be I/N with I from 0 to N - 1, such as 0/4.");
  }
  return selection;
}
