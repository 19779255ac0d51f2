// A picture with a button over each face; a click tells its number.
export default function ({ parentElement, data, setTriggerValue }) {
  const image = parentElement.querySelector("img");
  if (image.src !== data.picture) image.src = data.picture;
  image.alt = data.alt;
  const buttons = data.faces.length < 2 ? [] : data.faces.map((face) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = face.label;
    button.setAttribute("aria-label", face.label);
    button.setAttribute("aria-pressed", String(face.number === data.chosen));
    button.className = face.number === data.chosen ? "chosen" : "";
    Object.assign(button.style, {
      left: `${face.left}%`, top: `${face.top}%`, width: `${face.width}%`, height: `${face.height}%`,
    });
    button.addEventListener("click", () => setTriggerValue("face", face.number));
    return button;
  });
  parentElement.querySelector(".faces").replaceChildren(...buttons);
}
