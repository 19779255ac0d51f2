// The contact sheet: a button per face. One of them can be reached with Tab, the others from it with the arrows.

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function card(face) {
  const plate = element(
    "span",
    { className: "plate" },
    element("b", { textContent: face.words }),
    element("small", { textContent: face.detail })
  );
  Object.assign(plate.style, { background: face.color, color: face.ink });
  const name = element("span", { className: "name", textContent: face.name });
  // The picture's text says it already.
  name.setAttribute("aria-hidden", "true");
  const picture = element("img", { src: face.source, alt: face.alt });
  const button = element("button", { type: "button", className: face.level, title: face.title, tabIndex: -1 }, picture, plate, name);
  button.dataset.face = face.id;
  return element("li", {}, button);
}

// Where an arrow leads from the button at a position, in a grid whose rows may have any length.
function next(buttons, at, key) {
  const columns = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: buttons.length - 1 - at };
  return key in steps ? buttons[at + steps[key]] : undefined;
}

function choose(buttons, chosen) {
  for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1;
}

export default function ({ parentElement, data, setTriggerValue }) {
  // Streamlit calls this whenever the page runs: what is there and the same stays, with its focus.
  const sheet = parentElement.querySelector(".sheet");
  const shown = JSON.stringify(data.faces.map((face) => [face.id, face.words, face.detail]));
  if (sheet.shown !== shown) {
    sheet.shown = shown;
    sheet.setAttribute("aria-label", data.label);
    sheet.replaceChildren(...data.faces.map(card));
    const made = [...sheet.querySelectorAll("button")];
    const last = made.find((button) => button.dataset.face === data.last);
    choose(made, last ?? made[0]);
    // Back from its photo.
    last?.focus();
  }
  sheet.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) setTriggerValue("opened", button.dataset.face);
  };
  sheet.onkeydown = (event) => {
    const buttons = [...sheet.querySelectorAll("button")];
    const target = next(buttons, buttons.indexOf(event.target.closest("button")), event.key);
    if (!target) return;
    event.preventDefault();
    choose(buttons, target);
    target.focus();
  };
}
