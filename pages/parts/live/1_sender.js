// Frames to the server and answers back: at most two requests under way, and never one that waits here.

// Width of the frames and quality of the JPEGs; a slow connection gets less of both, step by step.
const STEPS = [[640, 0.8], [640, 0.6], [480, 0.6], [320, 0.6], [320, 0.4]];
const UNDER_WAY = 2;
// Milliseconds of a request beside the server's own: above the first the connection is slow, below the second fast.
const SLOW = 250;
const FAST = 100;
// Answers between two changes of step.
const PATIENCE = 10;
const RETRY_MS = 2000;
// Milliseconds after which a request is given up.
const LONGEST = 10000;

class Sender {
  // `handlers`: answered(answer, frame), waiting(sentence), failed(sentence, isOver).
  constructor(video, token, handlers) {
    this.video = video;
    this.token = token;
    this.handlers = handlers;
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.step = 0;
    this.beside = 0;
    this.sinceStep = 0;
    this.sent = 0;
    this.drawn = 0;
    this.underWay = 0;
    this.hasNew = false;
    this.isEncoding = false;
    this.asks = {};
    this.running = false;
    this.stopping = new AbortController();
  }

  // What the next frame asks for besides: { resting: "now" | "off", face: number }.
  ask(what) {
    this.asks = what;
  }

  start() {
    this.running = true;
    this.watch(this.stopping.signal);
  }

  // With `isOver` the server forgets this camera at once, in place of some seconds later.
  stop(isOver = true) {
    if (this.stopping.signal.aborted) return;
    this.running = false;
    this.stopping.abort();
    if (isOver) this.post({ end: 1 }, null, { keepalive: true }).catch(() => {});
  }

  // Notes each new picture of the camera: none is sent twice.
  watch(signal) {
    const noted = () => {
      if (signal.aborted) return;
      this.hasNew = true;
      this.pump(signal);
      this.watch(signal);
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(noted);
    else requestAnimationFrame(noted);
  }

  // Sends the newest picture as soon as there is one and its turn has come.
  pump(signal) {
    if (!this.running || !this.hasNew || this.isEncoding || this.underWay >= UNDER_WAY) return;
    this.hasNew = false;
    this.send(signal);
  }

  async send(signal) {
    const frame = { number: ++this.sent, taken: performance.now() };
    this.underWay += 1;
    this.isEncoding = true;
    let pause = 0;
    try {
      const body = await this.picture(frame);
      this.isEncoding = false;
      if (signal.aborted) return;
      frame.posted = performance.now();
      const asks = this.asks;
      this.asks = {};
      const request = new AbortController();
      const giveUp = () => request.abort();
      signal.addEventListener("abort", giveUp);
      const timer = setTimeout(giveUp, LONGEST);
      try {
        const response = await this.post({ n: frame.number, ...asks }, body, { signal: request.signal });
        pause = await this.receive(response, frame, signal);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.isEncoding = false;
      this.handlers.failed("The server does not respond. Trying again.", false);
      pause = RETRY_MS;
    }
    if (pause) {
      // All of it rests: no second request asks meanwhile.
      this.running = false;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    if (signal.aborted) return;
    this.running = true;
    this.underWay -= 1;
    this.pump(signal);
  }

  // Returns for how many milliseconds all of it rests.
  async receive(response, frame, signal) {
    // An error may come from a proxy, in another form.
    const answer = response.ok ? await response.json() : await response.json().catch(() => ({}));
    if (signal.aborted) return 0;
    if (response.ok) {
      this.adapt(performance.now() - frame.posted - answer.milliseconds);
      if (frame.number > this.drawn) {
        this.drawn = frame.number;
        this.handlers.answered(answer, frame);
      }
      return 0;
    }
    const isBusy = response.status === 429 || response.status === 503;
    if (answer.place) this.handlers.waiting(answer.error);
    else this.handlers.failed(answer.error ?? `The server answered with status ${response.status}.`, !isBusy);
    if (!isBusy) this.stop(false);
    return RETRY_MS;
  }

  adapt(beside) {
    this.beside += 0.2 * (beside - this.beside);
    if (++this.sinceStep < PATIENCE) return;
    const change = this.beside > SLOW ? 1 : this.beside < FAST ? -1 : 0;
    const step = Math.min(STEPS.length - 1, Math.max(0, this.step + change));
    if (step !== this.step) this.sinceStep = 0;
    this.step = step;
  }

  picture(frame) {
    const [longest, quality] = STEPS[this.step];
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, longest / Math.max(videoWidth, videoHeight));
    frame.width = this.canvas.width = Math.round(videoWidth * scale);
    frame.height = this.canvas.height = Math.round(videoHeight * scale);
    this.context.drawImage(this.video, 0, 0, frame.width, frame.height);
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality);
    });
  }

  post(query, body, options) {
    // Beside the page's own address, so that a server under any path is reached.
    const url = new URL(`api/live?${new URLSearchParams(query)}`, window.location.href);
    const headers = { "X-Live-Token": this.token, "Content-Type": "image/jpeg" };
    return fetch(url, { method: "POST", headers, body, cache: "no-store", ...options });
  }
}
