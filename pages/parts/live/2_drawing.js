// What is drawn: boxes, landmarks and answers over the picture, and the strips of the last half minute.

const SECONDS = 30;
// For how long an answer holds at most: where the camera stops, its last one must not go on.
const HOLD = 1;
const UNCLEAR = "#ffffff";
const INK = "#101418";

// The most probable expression of one answer, and how to say and to colour it.
function prediction(network, answer) {
  const best = answer.probabilities.indexOf(Math.max(...answer.probabilities));
  const isUnclear = answer.level === "unclear";
  return {
    expression: network.labels[best],
    confidence: answer.probabilities[best],
    words: capitalized(answer.words),
    share: isUnclear ? "" : percent(answer.probabilities[best]),
    color: isUnclear ? UNCLEAR : network.colors[best],
    ink: isUnclear ? INK : network.inks[best],
  };
}

const capitalized = (word) => word[0].toUpperCase() + word.slice(1);
// As fer_core.percent says it: no rounded percentage claims certainty.
function percent(share) {
  if (share < 0.01) return "<1%";
  return share > 0.99 ? ">99%" : `${Math.round(100 * share)}%`;
}

// From where to where the titles of a face may reach: half-way to the faces beside it.
function spanOf(box, boxes, width) {
  const beside = boxes.filter((other) => other !== box && other.top < box.bottom && other.bottom > box.top);
  const between = (left, right) => (left.right + right.left) / 2;
  const before = beside.filter((other) => other.left < box.left).map((other) => between(other, box));
  const after = beside.filter((other) => other.left >= box.left).map((other) => between(box, other));
  return [Math.max(0, ...before), Math.min(width, ...after)];
}

class Overlay {
  constructor(canvas, networks, edges) {
    this.canvas = canvas;
    this.networks = networks;
    this.edges = edges;
    this.boxes = [];
  }

  clear() {
    this.boxes = [];
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  // `video`: whose size the canvas has; `chosen`: the face whose answers are shown beside it.
  draw(answer, frame, { video, isMirrored, hasMesh, chosen }) {
    const { canvas } = this;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    // As `object-fit: contain` lays the picture.
    const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
    const [left, top] = [(width - scale * video.videoWidth) / 2, (height - scale * video.videoHeight) / 2];
    const zoom = (scale * video.videoWidth) / frame.width;
    const x = (value) => (isMirrored ? width - left - zoom * value : left + zoom * value);
    const y = (value) => top + zoom * value;
    this.boxes = answer.faces.map((face) => {
      const sides = [x(face.box[0]), x(face.box[2])];
      return { number: face.number, left: Math.min(...sides), right: Math.max(...sides), top: y(face.box[1]), bottom: y(face.box[3]) };
    });
    if (hasMesh) for (const face of answer.faces) this.mesh(context, face, x, y, ratio);
    const isOneOfSeveral = answer.faces.length > 1;
    const isChosen = (face) => isOneOfSeveral && face.number === chosen;
    // The chosen one last: where two faces overlap, so do their titles.
    for (const [i, face] of [...answer.faces.entries()].sort(([, a], [, b]) => isChosen(a) - isChosen(b)))
      this.labelled(context, face, this.boxes[i], ratio, isChosen(face), isOneOfSeveral);
  }

  mesh(context, face, x, y, ratio) {
    for (const { color, width, pairs } of this.edges) {
      context.beginPath();
      for (let i = 0; i < pairs.length; i += 2) {
        const [a, b] = [2 * pairs[i], 2 * pairs[i + 1]];
        context.moveTo(x(face.landmarks[a]), y(face.landmarks[a + 1]));
        context.lineTo(x(face.landmarks[b]), y(face.landmarks[b + 1]));
      }
      context.strokeStyle = color;
      context.lineWidth = width * ratio;
      context.stroke();
    }
  }

  labelled(context, face, box, ratio, isChosen, hasNumber) {
    const predictions = this.networks.map((network) => [network.short, prediction(network, face.answers[network.name])]);
    const color = predictions.at(-1)[1].color;
    context.strokeStyle = color;
    context.lineWidth = (isChosen ? 4 : 2) * ratio;
    context.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    const size = 14 * ratio;
    const line = 1.5 * size;
    context.font = `600 ${size}px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "middle";
    const [left, right] = spanOf(box, this.boxes, this.canvas.width);
    const lengthOf = (text) => context.measureText(text).width + size;
    // Where all networks say the same, the last one's plate says it.
    const agree = predictions.every(([, { words }]) => words === predictions[0][1].words);
    const shown = agree ? predictions.slice(-1) : predictions;
    const plates = shown.map(([short, { words, share, color: plate, ink }], i) => {
      const number = hasNumber && i === 0 ? `${face.number}  ` : "";
      const title = agree ? "" : `${short}: `;
      const texts = [`${number}${title}${words} ${share}`, `${number}${words} ${share}`, `${number}${words}`];
      return { text: texts.find((text) => lengthOf(text) <= right - left) ?? texts.at(-1), plate, ink };
    });
    // Above the face where there is room, else below it: never on it.
    const isAbove = box.top >= plates.length * line;
    plates.forEach(({ text, plate, ink }, i) => {
      const room = Math.min(lengthOf(text), right - left);
      const from = Math.max(left, Math.min(box.left, right - room));
      const down = isAbove ? box.top - (plates.length - i) * line : box.bottom + i * line;
      context.fillStyle = plate;
      context.fillRect(from, down, room, line);
      context.fillStyle = ink;
      // One for which there is still no room is narrowed.
      context.fillText(text, from + size / 2, down + line / 2, room - size);
    });
  }

  // The number of the face at a place of the page, if there is one.
  faceAt(clientX, clientY) {
    const bounds = this.canvas.getBoundingClientRect();
    const px = ((clientX - bounds.left) * this.canvas.width) / bounds.width;
    const py = ((clientY - bounds.top) * this.canvas.height) / bounds.height;
    return this.boxes.find((b) => px >= b.left && px <= b.right && py >= b.top && py <= b.bottom)?.number;
  }
}

// One network's probabilities over the last half minute, stacked to 100 %; empty where no face was seen.
function drawStrip(canvas, moments, network, now, lineColor) {
  drawMoments(canvas, moments, now, lineColor, (context, moment, from, to, height) => {
    let below = 0;
    moment.answers?.[network.name]?.probabilities.forEach((probability, k) => {
      context.fillStyle = network.colors[k];
      context.fillRect(from, height * (1 - below - probability), to - from, height * probability + 0.5);
      below += probability;
    });
  });
}

// The action units over the last half minute, a row each, the fuller the colour the stronger.
function drawUnits(canvas, moments, now, color, lineColor) {
  drawMoments(canvas, moments, now, lineColor, (context, moment, from, to, height) => {
    context.fillStyle = color;
    moment.units?.forEach((strength, k) => {
      const [top, bottom] = [k, k + 1].map((row) => Math.round((row * height) / moment.units.length));
      context.globalAlpha = strength;
      context.fillRect(from, top, to - from, bottom - top);
    });
    context.globalAlpha = 1;
  });
}

// `draw` is called with each moment's place in the last half minute.
function drawMoments(canvas, moments, now, lineColor, draw) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const x = (seconds) => width * (1 - (now - seconds) / SECONDS);
  moments.forEach((moment, i) => {
    const until = Math.min(moments[i + 1]?.seconds ?? now, moment.seconds + HOLD);
    // Whole pixels: between two areas the ground would shine through, or they would overlap.
    draw(context, moment, Math.round(x(moment.seconds)), Math.round(x(until)), height);
  });
  context.strokeStyle = lineColor;
  context.lineWidth = ratio;
  context.strokeRect(0.5 * ratio, 0.5 * ratio, width - ratio, height - ratio);
}
