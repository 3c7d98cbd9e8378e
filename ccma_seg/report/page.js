// Theme, and the viewer: NiiVue on the volume that the page holds or that a local server gives.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;

  const theme = byId("theme");
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme.hidden = false;
  theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    theme.setAttribute("aria-pressed", String(isDark()));
  });

  const data = JSON.parse(byId("viewer-data").textContent);
  const canvas = byId("viewer-canvas");
  const say = (text) => { byId("viewer-status").textContent = text; };

  const unpacked = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  };

  const loadLibrary = async () => {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(await unpacked(byId("niivue").textContent));
    document.head.append(script);
    return window.niivue;
  };

  const colors = (withBlood) => ({
    ...data.colors,
    A: data.colors.I.map((label, k) => (!withBlood && data.blood.includes(label) ? 0 : data.colors.A[k])),
  });

  const loadImages = async ({ NVImage }, viewer) => {
    const load = (name, options) => data.urls
      ? NVImage.loadFromUrl({ url: data.urls[name], name: `${name}.nii`, ...options })
      : NVImage.loadFromBase64({ base64: data[name], name: `${name}.nii.gz`, ...options });
    const [low, high] = data.windows.wide;
    viewer.addVolume(await load("volume", { colormap: "gray", cal_min: low, cal_max: high }));
    const labels = await load("labels", { opacity: 0.5 });
    labels.setColormapLabel(colors(false));
    viewer.addVolume(labels);
    viewer.scene.crosshairPos = viewer.mm2frac(data.focus_ras_mm);
  };

  const describe = (viewer) => {
    const [x, y, z] = viewer.frac2mm(viewer.scene.crosshairPos);
    const [hu, label] = viewer.volumes.map((image) => image.getValue(...image.mm2vox([x, y, z])));
    const side = (value, plus, minus) => `${value < 0 ? minus : plus} ${Math.abs(value).toFixed(1)}`;
    const place = `${side(x, "R", "L")}, ${side(y, "A", "P")}, ${side(z, "H", "F")} mm`;
    say(`${place}: ${Math.round(hu)} HU, ${data.names[label] || "no label"}`);
  };

  const STEPS = {
    ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0],
    PageUp: [0, 0, 1], PageDown: [0, 0, -1],
  };

  const listen = (niivue, viewer) => {
    const [ct, labels] = viewer.volumes;
    const on = (id, act) => byId(id).addEventListener("input", (event) => act(event.target.value));
    on("viewer-window", (name) => {
      [ct.cal_min, ct.cal_max] = data.windows[name];
      viewer.updateGLVolume();
    });
    on("viewer-layout", (layout) => viewer.setSliceType(niivue.SLICE_TYPE[layout]));
    on("viewer-opacity", (percent) => viewer.setOpacity(viewer.volumes.indexOf(labels), percent / 100));
    byId("viewer-blood").addEventListener("change", (event) => {
      labels.setColormapLabel(colors(event.target.checked));
      viewer.updateGLVolume();
    });
    viewer.onLocationChange = () => describe(viewer);
    const move = (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      viewer.moveCrosshairInVox(...step);
      describe(viewer);
    };
    canvas.parentElement.addEventListener("keydown", move, { capture: true });
  };

  const start = async () => {
    if (!window.DecompressionStream || !canvas.getContext("webgl2")) {
      say("The viewer needs WebGL 2, which this browser does not offer. The pictures show the same.");
      return;
    }
    const niivue = await loadLibrary();
    const viewer = new niivue.Niivue({
      logLevel: "error", dragAndDropEnabled: false, isOrientCube: true, backColor: [0.06, 0.07, 0.08, 1],
      crosshairColor: [0.22, 1, 0.53, 0.7], crosshairWidth: 0.5, multiplanarShowRender: niivue.SHOW_RENDER[data.urls ? "NEVER" : "ALWAYS"],
      multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID, isRadiologicalConvention: true, fontColor: [1, 1, 1, 1],
      show3Dcrosshair: true, yoke3Dto2DZoom: true, loadingText: "",
    });
    byId("viewer-box").hidden = false;
    await viewer.attachToCanvas(canvas);
    await loadImages(niivue, viewer);
    viewer.setSliceType(niivue.SLICE_TYPE.MULTIPLANAR);
    listen(niivue, viewer);
    describe(viewer);
    canvas.dataset.ready = "true";
  };

  say("The viewer starts.");
  start().catch((error) => {
    byId("viewer-box").hidden = true;
    say(`The viewer did not start (${error.message}). The pictures show the same.`);
  });
})();
