import type { Check } from "./check.js";
import type { Verification } from "./verification.js";
import { countOf, numberText, oneLine, sizeLines, timeLines, verdictLine } from "./verification-lines.js";

/** How a verification is named in a build's list of tests. */
export interface JunitOptions {
  /** The suite's name, such as the pruned file. @default espalier verify */
  readonly name?: string;
}

/**
 * A verification as JUnit XML, which build servers show as test results: a suite with a test case for each check, `failure` or
 * `skipped` inside with the message, and sizes and times in `system-out`. It holds no time stamps. Ends in a newline.
 *
 * @see https://github.com/testmoapp/junitxml, the dialect that GitLab, Jenkins and others read
 */
export function formatJunit(verification: Verification, options: JunitOptions = {}): string {
  const { checks } = verification;
  const name = attribute(options.name ?? "espalier verify");
  const counts = `tests="${checks.length}" failures="${countOf(checks, "failed")}" errors="0" skipped="${countOf(checks, "skipped")}"`;
  const lines = [...sizeLines(verification), ...timeLines(verification)];
  const out = [...lines, verdictLine(verification)].map(text).join("\n");
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${name}" ${counts}>`,
    `  <testsuite name="${name}" ${counts}>`,
    ...checks.map((check) => testCase(check, name)),
    `    <system-out>${out}</system-out>`,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(check: Check, suite: string): string {
  const { name, status, measured, limit, message } = check;
  const found = `measured ${numberText(measured)}, limit ${numberText(limit)}`;
  const head = `    <testcase classname="${suite}" name="${attribute(name)}">`;
  const says = attribute(message);
  switch (status) {
    case "failed":
      return `${head}<failure type="${attribute(name)}" message="${says}">${text(found)}</failure></testcase>`;
    case "skipped":
      return `${head}<skipped message="${says}"/></testcase>`;
    default:
      return `${head}<system-out>${text(`${message} (${found})`)}</system-out></testcase>`;
  }
}

function text(raw: string): string {
  return oneLine(raw).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function attribute(raw: string): string {
  return text(raw).replaceAll('"', "&quot;");
}
