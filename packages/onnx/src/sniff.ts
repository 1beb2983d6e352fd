import type { ByteSource } from "./byte-source.js";
import { quote } from "./quote.js";

/** Enough for every signature below and for a line of text. */
const HEAD_BYTES = 512;

/** Characters of a text file that a message quotes. */
const QUOTE_LENGTH = 24;

interface Signature {
  readonly at: number;
  readonly text: string;
  readonly name: string;
}

/** Files that people take for ONNX models; `text` is one character a byte. */
const SIGNATURES: readonly Signature[] = [
  { at: 0, text: "\x89PNG\r\n", name: "a PNG image" },
  { at: 0, text: "\xff\xd8\xff", name: "a JPEG image" },
  { at: 0, text: "PK\x03\x04", name: "a ZIP archive (a PyTorch or Keras file, or a zipped model)" },
  { at: 0, text: "\x1f\x8b", name: "a gzip archive: unpack it first" },
  { at: 0, text: "(\xb5/\xfd", name: "a Zstandard archive: unpack it first" },
  { at: 0, text: "\x89HDF\r\n", name: "an HDF5 file (Keras)" },
  { at: 0, text: "GGUF", name: "a GGUF model" },
  { at: 0, text: "\x93NUMPY", name: "a NumPy array" },
  { at: 0, text: "\x80\x02", name: "a Python pickle (PyTorch)" },
  { at: 4, text: "ORTM", name: "a model in ORT format: use the .onnx file it was made from" },
  { at: 4, text: "TFL3", name: "a TensorFlow Lite model" },
  { at: 8, text: '{"', name: "a safetensors file" },
  { at: 0, text: "version https://git-lfs", name: "a Git LFS pointer: fetch the file with `git lfs pull`" },
];

/**
 * What a file is that is no ONNX model, in words that follow "it is …".
 *
 * @returns undefined when nothing is recognised
 */
export function sniff(source: ByteSource): string | undefined {
  const head = source.read(0, Math.min(HEAD_BYTES, source.size));
  if (head.length === 0) return "empty";
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  const signature = SIGNATURES.find(({ at, text: expected }) => text.startsWith(expected, at));
  if (signature !== undefined) return signature.name;
  return isText(head) ? `text that starts with ${quote(firstWords(head))}` : undefined;
}

/** UTF-8 without control characters: a protobuf message of that length always has some. */
function isText(head: Uint8Array): boolean {
  if (head.length < 4 || !head.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13))) return false;
  try {
    // As a stream, because the head may end in the middle of a character.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function firstWords(head: Uint8Array): string {
  const text = new TextDecoder().decode(head).trim();
  return text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text;
}
