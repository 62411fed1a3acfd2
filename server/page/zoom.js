// Zooms and moves a picture: wheel and drag, buttons, and the keys +, - and 0.

const closest = 16;

export function startZoom(picture, buttons) {
    let whole = [0, 0, 1, 1], view = whole, held;
    const show = () => picture.setAttribute("viewBox", view.map((x) => x.toFixed(2)).join(" "));

    function zoom(factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) {
        const width = Math.min(whole[2], Math.max(whole[2] / closest, view[2] / factor));
        const part = width / view[2];
        view = [x - (x - view[0]) * part, y - (y - view[1]) * part, width, view[3] * part];
        move(0, 0);
    }

    function move(dx, dy) {
        view[0] = Math.min(whole[2] - view[2], Math.max(0, view[0] + dx));
        view[1] = Math.min(whole[3] - view[3], Math.max(0, view[1] + dy));
        show();
    }

    const scale = () => view[2] / (picture.clientWidth || 1);
    picture.addEventListener("wheel", (event) => {
        event.preventDefault();
        const box = picture.getBoundingClientRect();
        zoom(event.deltaY < 0 ? 1.25 : 0.8, view[0] + (event.clientX - box.left) * scale(),
            view[1] + (event.clientY - box.top) * scale());
    }, { passive: false });
    picture.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; });
    picture.addEventListener("pointermove", (event) => {
        if (!held || !event.buttons)
            return;
        move((held[0] - event.clientX) * scale(), (held[1] - event.clientY) * scale());
        held = [event.clientX, event.clientY];
    });
    window.addEventListener("pointerup", () => { held = undefined; });
    const act = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), "0": () => zoom(0) };
    picture.addEventListener("keydown", (event) => {
        if (act[event.key] && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            act[event.key]();
        }
    });
    for (const button of buttons)
        button.addEventListener("click", () => act[button.value]());

    // Begins anew with a picture of this size.
    return (width, height) => {
        whole = [0, 0, width, height];
        view = [...whole];
        show();
    };
}
