// The controls that the chosen model really has, as sliders.

import { byId, element } from "./element.js";
import { decimal, has, t } from "./language.js";
import { problemPlace } from "./problem.js";

let shown = [];
const values = {};

// Values by name, for the controls of the chosen model alone.
export function readControls() {
  return Object.fromEntries(shown.map((control) => [control.name, values[control.name] ?? control.default]));
}

// Set values; controls that are not shown keep theirs until they are.
export function wantControls(wanted) {
  Object.assign(values, wanted);
  showControls(shown);
}

const isWhole = (control) => control.maximum - control.minimum > 20;

function field(control) {
  const id = `control-${control.name}`;
  const value = values[control.name] ?? control.default;
  const label = has(`control.${control.name}`) ? t(`control.${control.name}`) : control.name;
  const digits = isWhole(control) ? 0 : 2;
  const output = element("output", { for: id }, decimal(value, digits));
  const input = element("input", {
    type: "range", id, name: control.name, min: control.minimum, max: control.maximum, step: isWhole(control) ? 1 : 0.01, value,
    "aria-describedby": `${control.name}-error`,
    oninput: () => {
      values[control.name] = input.valueAsNumber;
      output.textContent = decimal(input.valueAsNumber, digits);
    },
  });
  const row = element("div", { class: "label-row" }, element("label", { for: id }, label), output);
  return element("div", { class: "field" }, row, input, problemPlace(control.name));
}

export function showControls(controls) {
  shown = controls.filter((control) => control.name !== "seed" && control.name !== "speed");
  byId("controls").replaceChildren(...shown.map(field));
}
