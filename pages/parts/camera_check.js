// Says whether this page can have the camera: "ready", "denied", "missing" or "unavailable".
// It asks for nothing: the browser's question comes when the visitor starts the camera.
export default function ({ parentElement, setStateValue }) {
  let gone = false;
  let permission;

  const say = (word) => {
    // Streamlit calls this anew whenever the page runs, and each word makes it run.
    if (gone || parentElement.said === word) return;
    parentElement.said = word;
    setStateValue("camera", word);
  };

  const look = async () => {
    const devices = navigator.mediaDevices;
    if (!devices?.getUserMedia || !window.RTCPeerConnection) return say("unavailable");
    if (permission?.state === "denied") return say("denied");
    const cameras = (await devices.enumerateDevices()).filter((d) => d.kind === "videoinput");
    say(cameras.length ? "ready" : "missing");
  };

  const begin = async () => {
    try {
      permission = await navigator.permissions.query({ name: "camera" });
      permission.addEventListener("change", look);
    } catch {
      // Some browsers do not tell; starting the camera will.
    }
    await look();
  };

  begin();
  navigator.mediaDevices?.addEventListener?.("devicechange", look);
  return () => {
    gone = true;
    permission?.removeEventListener("change", look);
    navigator.mediaDevices?.removeEventListener?.("devicechange", look);
  };
}
