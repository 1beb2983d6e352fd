import { exact } from "./exact.js";
import { float16 } from "./float16.js";
import { int8 } from "./int8.js";
import type { ValueFormat } from "./value-format.js";

/** Every way to store numbers. */
export const VALUE_FORMATS: readonly ValueFormat[] = Object.freeze([exact, float16, int8]);
