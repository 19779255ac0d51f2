// Puts the strip that the server drew in the place of the last one, in the same element: nothing flickers.
export default function ({ parentElement, data }) {
  parentElement.querySelector(".strip").innerHTML = data;
}
