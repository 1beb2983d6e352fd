import { StatisticsError, type StatisticsErrorContext } from "../statistics-error.js";

/** A map of a decoded file, whose values can be anything. */
export type Fields = Readonly<Record<string, unknown>>;

/** Longer texts than this are cut in messages. */
const SHOWN = 40;

/** @throws {StatisticsError} `malformed` */
export function readMap(value: unknown, what: string): Fields {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
  if (!isMap) throw unexpected(what, value, "a map");
  return value as Fields;
}

/** @throws {StatisticsError} `malformed` */
export function readList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(what, value, "a list");
  return value;
}

/** @throws {StatisticsError} `malformed` */
export function readText(value: unknown, what: string): string {
  if (typeof value !== "string") throw unexpected(what, value, "a text");
  return value;
}

/** @throws {StatisticsError} `malformed` */
export function readInteger(value: unknown, what: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw unexpected(what, value, `an integer of at least ${least}`);
  }
  return value as number;
}

/** @throws {StatisticsError} `malformed` when it is no bytes, or not a whole number of units of `unit` bytes */
export function readBytes(value: unknown, what: string, unit: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length % unit !== 0) {
    throw unexpected(what, value, `bytes, a multiple of ${unit}`);
  }
  return value;
}

/** An error of the code `malformed`. */
export function malformed(what: string, context: StatisticsErrorContext = {}): StatisticsError {
  return new StatisticsError("malformed", `The statistics cannot be used: ${what}`, context);
}

function unexpected(what: string, value: unknown, expected: string): StatisticsError {
  return malformed(`found ${shown(value)} for ${what}, expected ${expected}.`);
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "object") return "a map";
  const text = String(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}
