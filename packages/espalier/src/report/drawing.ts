import type * as ObservablePlot from "@observablehq/plot";
import { html, type Markup, trusted } from "./markup.js";

/** What draws plots: some 200 ms to load, so only reports do. */
export interface Drawing {
  readonly Plot: typeof ObservablePlot;
  /**
   * A plot as static SVG that takes its colours from the page.
   *
   * @param label read out instead of the plot
   */
  svg(label: string, options: ObservablePlot.PlotOptions): Markup;
}

/** Text that stays readable on top of lines and points. */
export const HALO = { stroke: "var(--paper)", strokeWidth: 4, fill: "currentColor" } as const;

/** Loads Observable Plot and a document for it to draw in. */
export async function loadDrawing(): Promise<Drawing> {
  const [Plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return {
    Plot,
    svg(label, options) {
      const element = Plot.plot({
        className: "plot",
        ...options,
        document: document as unknown as NonNullable<ObservablePlot.PlotOptions["document"]>,
      });
      element.querySelector("style")?.remove(); // the page has it once
      element.removeAttribute("font-family"); // the page's
      // Names of kinds of marks, on groups that may have none.
      for (const group of element.querySelectorAll("[aria-label]")) group.removeAttribute("aria-label");
      element.setAttribute("font-size", "11");
      // The library leaves & alone in attributes.
      const opening = html`<svg role="img" aria-label="${label}"`.text;
      return trusted(element.outerHTML.replace("<svg", () => opening));
    },
  };
}
