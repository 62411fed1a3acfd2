// Which part of a picture is seen. Wheel and drag, buttons, and keys change it: + and - zoom, 0 shows all of it, Shift
// with an arrow moves. The picture itself is drawn by others.

const closest = 16; // times the size
const part = 0.2; // of the width, that a key moves

const between = (low, value, high) => Math.max(low, Math.min(value, high));

// Calls changed() after each change. centre() may give the place on the screen that stays when keys zoom, else it is
// the middle.
export function startZoom(picture, buttons, { changed, centre }) {
    let width = 1, height = 1, zoom = 1, left = 0, top = 0; // what is seen begins at left, top of the whole picture
    let held;

    function move(x, y) {
        left = between(0, left + x / zoom, width - width / zoom);
        top = between(0, top + y / zoom, height - height / zoom);
        picture.classList.toggle("zoomed", zoom > 1);
        for (const button of buttons)
            button.hidden = button.value.startsWith("Arrow") && zoom === 1;
        changed();
    }

    function zoomBy(factor, [x, y] = centre() || [width / 2, height / 2]) {
        const before = zoom;
        zoom = between(1, zoom * factor, closest);
        left += x / before - x / zoom;
        top += y / before - y / zoom;
        move(0, 0);
    }

    picture.addEventListener("wheel", (event) => {
        if (zoom === 1 && event.deltaY > 0)
            return; // the page scrolls on
        event.preventDefault();
        const box = picture.getBoundingClientRect();
        const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 30);
        zoomBy(2 ** (-pixels / 300), [event.clientX - box.left, event.clientY - box.top]);
    }, { passive: false });
    picture.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; });
    window.addEventListener("pointermove", (event) => {
        if (!held || !event.buttons)
            return;
        move(held[0] - event.clientX, held[1] - event.clientY);
        held = [event.clientX, event.clientY];
    });
    window.addEventListener("pointerup", () => { held = undefined; });
    const act = {
        "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), "0": () => zoomBy(0),
        ArrowLeft: () => move(-part * width, 0), ArrowRight: () => move(part * width, 0),
        ArrowUp: () => move(0, -part * width), ArrowDown: () => move(0, part * width)
    };
    picture.addEventListener("keydown", (event) => {
        const isMove = event.key.startsWith("Arrow");
        if (!act[event.key] || event.ctrlKey || event.metaKey || event.altKey || isMove && !event.shiftKey)
            return;
        event.preventDefault();
        act[event.key]();
    });
    for (const button of buttons)
        button.addEventListener("click", () => act[button.value]());

    return {
        // Shows the whole of a picture of this size.
        begin(wide, high) {
            [width, height, zoom, left, top] = [wide, high, 1, 0, 0];
            move(0, 0);
        },
        // Where a place of the whole picture is on the screen.
        onScreen: ([x, y]) => [(x - left) * zoom, (y - top) * zoom],
        // Moves so that a place of the whole picture is seen.
        reveal([x, y], margin) {
            const way = (at, size) => at - between(Math.min(margin, size / 2), at, Math.max(size - margin, size / 2));
            move(way((x - left) * zoom, width), way((y - top) * zoom, height));
        }
    };
}
