// Gives files that are pasted or dropped anywhere on the page to the page's uploader.
const UPLOADER = '[data-testid="stFileUploaderDropzone"]';

export default function ({ parentElement }) {
  const veil = parentElement.querySelector(".veil");
  const give = (event, files) => {
    const input = document.querySelector(`${UPLOADER} input`);
    if (!files.length || !input) return;
    event.preventDefault();
    const given = new DataTransfer();
    files.forEach((file) => given.items.add(file));
    input.files = given.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const listeners = {
    // Text may be pasted as well, into a field of the page.
    paste: (event) => give(event, [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"))),
    dragover: (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      veil.hidden = false;
    },
    dragleave: (event) => {
      // Also said whenever the pointer goes from one element to another; null is outside the window.
      if (event.relatedTarget === null) veil.hidden = true;
    },
    drop: (event) => {
      veil.hidden = true;
      // The uploader takes what is dropped on it by itself.
      if (hasFiles(event) && !event.target.closest?.(UPLOADER)) give(event, [...event.dataTransfer.files]);
    },
  };
  const stop = () => {
    for (const [kind, listener] of Object.entries(listeners)) document.removeEventListener(kind, listener);
  };
  // Streamlit calls this again whenever the page runs.
  parentElement.stopListening?.();
  parentElement.stopListening = stop;
  for (const [kind, listener] of Object.entries(listeners)) document.addEventListener(kind, listener);
  return stop;
}
