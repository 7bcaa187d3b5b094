// The controls of the selected model, as sliders and switches.

import { byId, element } from "./element.js";
import { decimal, has, t } from "./language.js";
import { problemElement } from "./problem.js";

let shown = [];
const values = {};

// Values by name, for the controls of the selected model only.
export function readControls() {
  const value = (control) => values[control.name] ?? control.default;
  return Object.fromEntries(shown.map((control) => [control.name, control.kind === "switch" ? Boolean(value(control)) : value(control)]));
}

// Sets values; those of hidden controls are stored until they are shown.
export function wantControls(wanted) {
  Object.assign(values, wanted);
  showControls(shown);
}

const words = (control) => (has(`control.${control.name}`) ? t(`control.${control.name}`) : control.name);

function switchField(control) {
  const input = element("input", {
    type: "checkbox", name: control.name, checked: Boolean(values[control.name] ?? control.default), "aria-describedby": `${control.name}-error`,
    onchange: () => {
      values[control.name] = input.checked;
    },
  });
  return element("div", { class: "field" }, element("label", { class: "check" }, input, words(control)), problemElement(control.name));
}

function sliderField(control) {
  const id = `control-${control.name}`;
  const value = values[control.name] ?? control.default;
  const isWhole = control.kind === "whole";
  const digits = isWhole ? 0 : 2;
  const output = element("output", { for: id }, decimal(value, digits));
  const input = element("input", {
    type: "range", id, name: control.name, min: control.minimum, max: control.maximum, step: isWhole ? 1 : 0.01, value,
    "aria-describedby": `${control.name}-error`,
    oninput: () => {
      values[control.name] = input.valueAsNumber;
      output.textContent = decimal(input.valueAsNumber, digits);
    },
  });
  const row = element("div", { class: "label-row" }, element("label", { for: id }, words(control)), output);
  return element("div", { class: "field" }, row, input, problemElement(control.name));
}

export function showControls(controls) {
  shown = controls.filter((control) => control.name !== "seed" && control.name !== "speed");
  byId("controls").replaceChildren(...shown.map((control) => (control.kind === "switch" ? switchField(control) : sliderField(control))));
}
