// Gives pictures that are pasted anywhere on the page to the page's uploader.
export default function ({ parentElement }) {
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    const input = document.querySelector('[data-testid="stFileUploaderDropzoneInput"]');
    if (!files.length || !input) return;
    event.preventDefault();
    const given = new DataTransfer();
    files.forEach((file) => given.items.add(file));
    input.files = given.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const stop = () => document.removeEventListener("paste", paste);
  // Streamlit calls this again whenever the page runs.
  parentElement.stopPasting?.();
  parentElement.stopPasting = stop;
  document.addEventListener("paste", paste);
  return stop;
}
