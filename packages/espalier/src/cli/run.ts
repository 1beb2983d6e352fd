import { dirname } from "node:path";
import { Command } from "commander";
import type { FlagValue, RunConfig } from "../config.js";
import { EspalierError } from "../errors.js";
import { loadModule } from "../load-module.js";
import { EXIT } from "./exit-code.js";
import { flagName } from "./flag-name.js";

/** A command that a config asks for. */
interface Step {
  readonly name: "prune" | "verify" | "export";
  readonly models: readonly string[];
  readonly flags: Readonly<Record<string, FlagValue>>;
}

const STEPS = ["prune", "verify", "export"] as const;

/** `espalier run CONFIG`: prunes, verifies and exports as a file says; ends where a verification fails. */
export function runCommand(): Command {
  return new Command("run")
    .description("prune, verify and export as a config file says: the flags of these commands, step by step")
    .argument("<config>", "a module with a default export, espalier.config.ts, or a .json file")
    .action(async (path: string, _, command: Command) => {
      const steps = stepsOf(requireConfig(await loadModule(path, "the config", "usage"), path), path);
      process.chdir(dirname(path));
      for (const step of steps) {
        process.stdout.write(`${step.name} ${step.models.join(" ")}\n\n`);
        const runner = command.parent?.commands.find((one) => one.name() === step.name);
        await runner!.parseAsync([...step.models, ...argumentsOf(step.flags, runner!)], { from: "user" });
        if (process.exitCode === EXIT.failed) return;
        process.stdout.write("\n");
      }
    });
}

function requireConfig(value: unknown, path: string): RunConfig {
  const refuse = (problem: string): never => {
    throw new EspalierError("usage", `${path}: ${problem}`);
  };
  if (!isObject(value)) return refuse("the default export is no config object");
  if (typeof value.model !== "string") return refuse('"model" must name the .onnx file');
  for (const [name, flags] of Object.entries(value)) {
    if (name === "model") continue;
    if (!STEPS.some((step) => step === name))
      return refuse(`"${name}" is no step: expected model, ${STEPS.join(", ")}`);
    if (!isObject(flags)) return refuse(`"${name}" must hold the flags of espalier ${name}`);
    if ("json" in flags) return refuse(`"${name}.json": a run prints several steps; write reports to files`);
    const wrong = Object.keys(flags).find((flag) => !isFlagValue(flags[flag]));
    if (wrong !== undefined) return refuse(`"${name}.${wrong}" must be a text, a number, a boolean or a list of texts`);
  }
  return value as unknown as RunConfig;
}

function stepsOf(config: RunConfig, path: string): readonly Step[] {
  const refuse = (problem: string): never => {
    throw new EspalierError("usage", `${path}: ${problem}`);
  };
  const output = config.prune?.output;
  if (config.prune !== undefined && typeof output !== "string") refuse('"prune.output" must name the file to write');
  if (config.verify !== undefined && output === undefined)
    refuse('"verify" judges what "prune" wrote: say what to prune');
  const pruned = typeof output === "string" ? output : config.model;
  const models = { prune: [config.model], verify: [config.model, pruned], export: [pruned] };
  const steps = STEPS.flatMap((name) => {
    const flags = config[name];
    return flags === undefined ? [] : [{ name, models: models[name], flags: flags as Step["flags"] }];
  });
  return steps.length > 0 ? steps : refuse(`there is nothing to do: expected ${STEPS.join(", ")}`);
}

/** As typed on the command line; a flag that has only a `--no-` form is on without it, others are off. */
function argumentsOf(flags: Step["flags"], command: Command): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    const flag = flagName(name);
    const negated = flag.replace("--", "--no-");
    const isOnUnlessNegated = command.options.some(({ long }) => long === negated);
    if (value === true) return isOnUnlessNegated ? [] : [flag];
    if (value === false) return isOnUnlessNegated ? [negated] : [];
    return [value].flat().flatMap((one) => [flag, String(one)]);
  });
}

function isFlagValue(value: unknown): value is FlagValue {
  return ["string", "number", "boolean"].includes(typeof value) || (Array.isArray(value) && value.every(isText));
}

const isText = (value: unknown): boolean => typeof value === "string";

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
