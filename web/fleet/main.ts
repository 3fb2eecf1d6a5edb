/**
 * The fleet's console: what `volant fleet` does in a terminal, for people in a browser, over the same API. It decides
 * nothing itself: what may be done and why not is the server's word.
 */
import "./console";
import { followTheme } from "../kit/theme";

followTheme(() => {});
