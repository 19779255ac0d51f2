// The Live page: camera, buttons and what they do. The files of this folder are joined in the order of their names.

const TROUBLE = {
  unavailable:
    "The browser does not let this page use the camera. Cameras work only over HTTPS or on localhost.",
  denied: "The camera is blocked for this page. Allow it in the address bar or in the browser's site settings, then start again.",
  missing: "No camera found. Connect one, or use a photo instead.",
  busy: "Another program is using the camera. Close it, then start again.",
  ended: "The camera was disconnected. Connect it, then start again.",
};
const OFF = "The camera is off. Start it to see each network's prediction and a chart of the last 30 seconds.";
// Over how many milliseconds the rate and the delay are counted.
const COUNTED = 3000;
// Milliseconds for which a face that is gone keeps its button; the server keeps its number as long.
const AWAY = 1000;
// Milliseconds without an answer after which the last one is no longer shown.
const STALE = 2000;
// Milliseconds that a prediction lasts before it is spoken, and between two that are.
const LASTS = 1000;
const BETWEEN_WORDS = 3000;
// Milliseconds for which a note stays.
const NOTE = 8000;
// Milliseconds for which the camera stays on while nobody sees the page.
const UNSEEN = 5000;

function troubleOf(error) {
  if (["NotAllowedError", "SecurityError"].includes(error.name)) return TROUBLE.denied;
  if (["NotReadableError", "AbortError"].includes(error.name)) return TROUBLE.busy;
  return TROUBLE.missing;
}

function faceButton(number) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", value: number, textContent: `Face ${number}` });
  return button;
}

class LivePage {
  constructor(root, data, freeze) {
    this.root = root;
    this.data = data;
    this.sendFreeze = freeze;
    this.stage = root.querySelector(".stage");
    this.video = root.querySelector("video");
    this.overlay = new Overlay(root.querySelector(".overlay"), data.networks, data.edges);
    this.moments = [];
    this.looks = [];
    this.heard = { words: "", since: 0 };
    this.spokenAt = 0;
    this.answeredAt = Infinity;
    this.chosen = null;
    this.lastSeen = new Map();
    this.isLive = false;
    this.leaving = new AbortController();
    this.buildAnswers();
    this.listen();
    this.say(OFF);
    this.mirror();
    if (!navigator.mediaDevices?.getUserMedia) this.trouble(TROUBLE.unavailable);
    else navigator.permissions?.query({ name: "camera" }).then((p) => p.state === "denied" && this.trouble(TROUBLE.denied), () => {});
  }

  // Other networks, or a visit that the server had lost, begin again.
  takeOver(data) {
    if (data.token === this.data.token) return;
    const device = this.stream?.getVideoTracks()[0].getSettings().deviceId;
    const { resumes } = this;
    const isInterrupted = Boolean(this.recording || this.resting);
    this.stop();
    this.resumes = resumes;
    this.data = data;
    this.overlay = new Overlay(this.find("overlay"), data.networks, data.edges);
    this.moments = [];
    this.buildAnswers();
    // Other networks were chosen, or the server was restarted: the camera goes on.
    if (device) this.start(device);
    if (isInterrupted) this.note("Other networks are in use now: a recording was saved, and a calibration has ended.");
  }

  find(name) {
    return this.root.querySelector(`.${name}`);
  }

  buildAnswers() {
    const parts = this.data.networks.map((network) => {
      const part = document.createElement("section");
      part.className = "network";
      part.innerHTML = '<h3></h3><p class="expression">\u2013</p><canvas role="img"></canvas>';
      part.querySelector("h3").textContent = network.title;
      part.querySelector("canvas").setAttribute(
        "aria-label", `Probability of each expression by ${network.title}, last ${SECONDS} seconds`);
      return part;
    });
    const foot = document.createElement("div");
    foot.innerHTML = '<div class="axis"><span>30 s ago</span><span>20</span><span>10</span><span>now</span></div><div class="legend"></div>';
    this.data.legend.forEach(({ label, color }) => {
      const entry = document.createElement("span");
      const patch = document.createElement("i");
      patch.style.background = color;
      entry.append(patch, capitalized(label));
      foot.querySelector(".legend").append(entry);
    });
    this.find("answers").replaceChildren(...parts, foot);
    this.find("names").replaceChildren(...this.data.units.map(({ code, name }) => {
      const row = document.createElement("span");
      row.append(`${code} ${name}`, document.createElement("b"));
      return row;
    }));
    // Once they have a size.
    requestAnimationFrame(() => this.drawStrips());
  }

  listen() {
    this.find("start").addEventListener("click", () => (this.attempt ? this.stop() : this.start()));
    this.find("mirror").addEventListener("change", () => this.mirror());
    this.find("units").addEventListener("change", ({ target }) => {
      this.find("actions").hidden = !target.checked;
      this.drawStrips();
    });
    this.find("cameras").addEventListener("change", (event) => this.start(event.target.value));
    this.find("freeze").addEventListener("click", () => this.freeze());
    this.find("record").addEventListener("click", () => this.record());
    this.find("rest").addEventListener("click", () => {
      this.endsCalibration = Boolean(this.resting);
      this.sender?.ask(this.resting ? { resting: "off" } : { resting: "now", ...(this.chosen && { face: this.chosen }) });
    });
    this.find("fullscreen").addEventListener("click", () =>
      document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen?.());
    this.find("overlay").addEventListener("click", (event) => {
      this.chosen = this.overlay.faceAt(event.clientX, event.clientY) ?? null;
    });
    this.find("faces").addEventListener("click", ({ target }) => {
      if (target.value) this.chosen = Number(target.value);
    });
    this.find("fullscreen").hidden = !document.fullscreenEnabled;
    const { signal } = this.leaving;
    window.addEventListener("pagehide", () => this.stop(), { signal });
    window.addEventListener("beforeunload", (event) => { if (this.recording) event.preventDefault(); }, { signal });
    document.addEventListener("visibilitychange", () => this.seeOrHide(), { signal });
    document.addEventListener("fullscreenchange", () => this.enable(this.isLive), { signal });
  }

  // No camera stays on for a tab that nobody sees, where the browser shows and sends no picture. A recording is
  // saved. The camera goes on when the tab is seen again.
  seeOrHide() {
    clearTimeout(this.unseen);
    if (!document.hidden) {
      if (this.resumes) this.start(this.resumes);
      return;
    }
    this.unseen = setTimeout(() => {
      if (!this.stream) return;
      const { deviceId } = this.stream.getVideoTracks()[0].getSettings();
      this.stop();
      this.resumes = deviceId;
    }, UNSEEN);
  }

  // The page was left for another.
  leave() {
    this.stop();
    this.leaving.abort();
  }

  async start(device) {
    this.stop();
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    Object.assign(video, device ? { deviceId: { exact: device } } : { facingMode: "user" });
    if (!navigator.mediaDevices?.getUserMedia) return this.trouble(TROUBLE.unavailable);
    this.say("Allow the camera in the browser's dialog.");
    this.find("start").textContent = "Cancel";
    const attempt = (this.attempt = {});
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      if (this.attempt !== attempt) return;
      return this.trouble(troubleOf(error));
    }
    // The page was left, or another camera chosen, while the browser asked.
    if (this.attempt !== attempt) return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => this.stream === stream && this.trouble(TROUBLE.ended));
    // As the visitor left it for this camera.
    const { deviceId, facingMode } = track.getSettings();
    if (this.mirrored !== deviceId) this.find("mirror").checked = facingMode !== "environment";
    this.mirrored = deviceId;
    this.mirror();
    this.video.srcObject = stream;
    await this.video.play().catch(() => {});
    if (this.attempt !== attempt) return;
    this.offerCameras(track);
    this.find("start").textContent = "Stop";
    this.find("start").classList.remove("primary");
    this.say("Waiting for the first prediction.", true);
    this.sender = new Sender(this.video, this.data.token, {
      answered: (answer, frame) => this.answered(answer, frame),
      waiting: (sentence) => this.pause(`${sentence} This page starts by itself.`),
      failed: (sentence, isOver) => (isOver ? this.trouble(sentence) : this.pause(sentence)),
    });
    this.sender.start();
    this.timer = setInterval(() => this.tick(), 100);
  }

  stop() {
    this.attempt = null;
    this.resumes = null;
    this.answeredAt = Infinity;
    clearTimeout(this.unseen);
    clearInterval(this.timer);
    this.sender?.stop();
    this.sender = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
    if (this.recording) this.record();
    this.lastSeen.clear();
    this.offerFaces(null);
    this.looks = [];
    this.enable(false);
    this.showResting(null);
    this.find("start").textContent = "Start the camera";
    this.find("start").classList.add("primary");
    this.find("figures").textContent = "";
    this.forgetAnswer();
    this.say(OFF);
  }

  // What was seen last is no longer so.
  forgetAnswer() {
    this.overlay.clear();
    this.root.querySelectorAll(".expression").forEach((place) => { place.textContent = "\u2013"; });
    this.heard = { words: "", since: 0 };
  }

  trouble(sentence) {
    this.stop();
    this.say(sentence);
  }

  // Until the next prediction comes: the sender goes on by itself.
  pause(sentence) {
    this.enable(false);
    this.answeredAt = Infinity;
    this.forgetAnswer();
    this.say(sentence, true);
  }

  // Over the picture, or in its place.
  say(sentence, isOver = false) {
    this.stage.classList.toggle("over", isOver);
    this.find("message").textContent = sentence;
    if (sentence) this.speak(sentence);
  }

  // To screen readers.
  speak(sentence) {
    this.find("spoken").textContent = sentence;
    this.spokenAt = performance.now();
  }

  // A note beside the figures that goes by itself.
  note(sentence) {
    this.noted = { sentence, until: performance.now() + NOTE };
    this.speak(sentence);
  }

  enable(isLive) {
    this.isLive = isLive;
    for (const name of ["freeze", "rest"]) this.find(name).disabled = !isLive;
    // What ends a recording or full screen stays.
    this.find("record").disabled = !isLive && !this.recording;
    this.find("fullscreen").disabled = !isLive && !document.fullscreenElement;
  }

  mirror() {
    this.stage.classList.toggle("mirrored", this.find("mirror").checked);
  }

  async offerCameras(track) {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
    this.find("choice").hidden = devices.length < 2;
    this.find("cameras").replaceChildren(...devices.map((d, i) => new Option(d.label || `Camera ${i + 1}`, d.deviceId)));
    this.find("cameras").value = track.getSettings().deviceId;
  }

  answered(answer, frame) {
    this.say("");
    this.enable(true);
    const face = answer.faces.find((f) => f.number === this.chosen) ?? (this.chosen ? null : answer.faces[0]);
    this.overlay.draw(answer, frame, {
      video: this.video,
      isMirrored: this.find("mirror").checked,
      hasMesh: this.find("mesh").checked,
      chosen: face?.number,
    });
    const now = performance.now();
    this.answeredAt = now;
    this.looks.push({ at: now, delay: now - frame.taken, server: answer.milliseconds });
    this.recording?.add(answer, frame);
    if (this.recording?.isFull) {
      this.record();
      this.note("The recording was full and has been saved.");
    }
    this.showResting(answer.resting);
    for (const { number } of answer.faces) this.lastSeen.set(number, now);
    for (const [number, at] of this.lastSeen) if (at < now - AWAY) this.lastSeen.delete(number);
    this.offerFaces(face?.number);
    // A face that was chosen and is gone: back to the largest.
    if (!face && answer.faces.length) this.chosen = null;
    this.moments.push({ seconds: now / 1000, answers: face?.answers, units: face?.units });
    while (this.moments[0].seconds < now / 1000 - SECONDS - HOLD) this.moments.shift();
    this.showFace(face);
  }

  // A button for each of several faces. Kept from frame to frame: a new one would not have the focus.
  offerFaces(shown) {
    const place = this.find("faces");
    const numbers = this.lastSeen.size > 1 ? [...this.lastSeen.keys()].sort((a, b) => a - b) : [];
    for (const button of [...place.children]) if (!numbers.includes(Number(button.value))) button.remove();
    numbers.forEach((number, i) => {
      if (Number(place.children[i]?.value) !== number) place.insertBefore(faceButton(number), place.children[i] ?? null);
      place.children[i].setAttribute("aria-pressed", number === shown);
    });
    place.hidden = !numbers.length;
  }

  showFace(face) {
    this.data.networks.forEach((network, i) => {
      const place = this.root.querySelectorAll(".expression")[i];
      const { words, share } = face ? prediction(network, face.answers[network.name]) : { words: "No face", share: "" };
      // Only what changes: a screen reader may be reading it.
      if (place.textContent === `${words} ${share}`) return;
      const small = document.createElement("small");
      small.textContent = share;
      // The space is for screen readers.
      place.replaceChildren(words, " ", small);
    });
    const words = face ? this.data.networks.map((network) =>
      `${network.short}: ${capitalized(face.answers[network.name].words)}`).join(", ") : "No face";
    if (this.heard.words !== words) this.heard = { words, since: performance.now() };
    this.root.querySelectorAll(".names b").forEach((place, k) => { place.textContent = face?.units[k]?.toFixed(2) ?? ""; });
  }

  showResting(number) {
    if (this.resting && !number && this.stream && !this.endsCalibration)
      this.note("The calibration has ended: the face or the camera was away.");
    this.resting = number;
    if (!number) this.endsCalibration = false;
    this.find("rest").textContent = number ? "Reset calibration" : "Calibrate to my resting face";
    this.find("rest").classList.toggle("on", Boolean(number));
  }

  drawStrips() {
    const style = getComputedStyle(this.root);
    const line = style.getPropertyValue("--st-border-color");
    const now = performance.now() / 1000;
    this.data.networks.forEach((network, i) =>
      drawStrip(this.root.querySelectorAll(".network canvas")[i], this.moments, network, now, line));
    if (this.find("actions").hidden) return;
    drawUnits(this.root.querySelector(".actions canvas"), this.moments, now, style.getPropertyValue("--st-primary-color"), line);
  }

  tick() {
    this.drawStrips();
    const now = performance.now();
    this.looks = this.looks.filter((look) => look.at > now - COUNTED);
    if (this.answeredAt < now - STALE) this.miss();
    const { words, since } = this.heard;
    if (words && words !== this.find("spoken").textContent && since < now - LASTS && this.spokenAt < now - BETWEEN_WORDS)
      this.speak(words);
    const note = this.noted?.until > now ? this.noted.sentence : "";
    this.find("figures").textContent =
      [this.speed(), this.restingNote(), this.recordingNote(), note].filter(Boolean).join(" \u00b7 ");
  }

  // No answer has come for a while.
  miss() {
    const isMuted = this.stream?.getVideoTracks()[0].muted;
    this.pause(isMuted ? "The camera sends no picture." : "No prediction comes from the server. Waiting.");
  }

  speed() {
    if (this.looks.length < 2) return "";
    const rate = (1000 * (this.looks.length - 1)) / (this.looks.at(-1).at - this.looks[0].at);
    const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
    const delay = median(this.looks.map((look) => look.delay));
    const server = median(this.looks.map((look) => look.server));
    Object.assign(this.root.dataset, { rate: rate.toFixed(2), delay: delay.toFixed(1), server: server.toFixed(1) });
    return `${Math.round(rate)} fps, ${Math.round(delay)} ms from camera to prediction (${Math.round(server)} ms on the server)`;
  }

  restingNote() {
    return this.resting ? `Calibrated: the resting face of face ${this.resting} counts as neutral` : "";
  }

  recordingNote() {
    return this.recording ? `Recording: ${this.recording.rows.toLocaleString("en")} rows` : "";
  }

  record() {
    const button = this.find("record");
    if (this.recording) {
      this.recording.save();
      this.recording = null;
    } else {
      this.recording = new Recording(this.data.networks, this.data.units);
    }
    button.textContent = this.recording ? "Stop and save CSV" : "Record CSV";
    button.classList.toggle("on", Boolean(this.recording));
    this.enable(this.isLive);
  }

  // The last picture that was looked at stays on the server for some seconds: that is the one.
  freeze() {
    this.sendFreeze();
    this.note("Freezing: the picture appears below the camera.");
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  // Streamlit calls this again whenever the page runs.
  const root = parentElement.querySelector(".live");
  root.page ??= new LivePage(root, data, () => setTriggerValue("frozen", true));
  root.page.takeOver(data);
  return () => {
    setTimeout(() => { if (!root.isConnected) root.page.leave(); });
  };
}
