// A picture with a button over each face; a click tells its number.

const MARGIN = 16; // pixels between the card and the edge of the list

// Brings the card of a face into the view of the list, and leaves the page where it is.
function scrollListTo(number) {
  const list = document.querySelector(".st-key-faces");
  const card = list?.querySelector(`.st-key-face_card_${number}`);
  if (!card) return;
  const [there, here] = [card.getBoundingClientRect(), list.getBoundingClientRect()];
  const isInView = there.left >= here.left && there.right <= here.right && there.top >= here.top && there.bottom <= here.bottom;
  if (!isInView) list.scrollBy({ left: there.left - here.left - MARGIN, top: there.top - here.top - MARGIN, behavior: "smooth" });
}

export default function ({ parentElement, data, setTriggerValue }) {
  const image = parentElement.querySelector("img");
  if (image.src !== data.picture) image.src = data.picture;
  image.alt = data.alt;
  const place = parentElement.querySelector(".faces");
  const faces = data.faces.length < 2 ? [] : data.faces;
  // A button stays while its face does: a new one would not have the focus.
  while (place.children.length > faces.length) place.lastElementChild.remove();
  faces.forEach((face, i) => {
    const button = place.children[i] ?? place.appendChild(document.createElement("button"));
    button.type = "button";
    button.title = face.label;
    button.setAttribute("aria-label", face.label);
    button.setAttribute("aria-pressed", String(face.number === data.chosen));
    button.className = face.number === data.chosen ? "chosen" : "";
    Object.assign(button.style, {
      left: `${face.left}%`, top: `${face.top}%`, width: `${face.width}%`, height: `${face.height}%`,
    });
    button.onclick = () => {
      scrollListTo(face.number);
      setTriggerValue("face", face.number);
    };
  });
}
