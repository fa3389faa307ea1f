import styles from "./landscape.module.css";

/** A picture for the eye only: two rounds above the hills, one never far from the other. */
export function Landscape({ className }: Readonly<{ className?: string | undefined }>) {
  return (
    <svg className={className} viewBox="0 0 480 480" aria-hidden="true" focusable="false">
      <defs>
        <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
          <stop className={styles.skyTop} offset="0" />
          <stop className={styles.skyBottom} offset="0.75" />
        </linearGradient>
        <radialGradient id="halo">
          <stop className={styles.halo} offset="0" stopOpacity="0.75" />
          <stop className={styles.halo} offset="1" stopOpacity="0" />
        </radialGradient>
        <clipPath id="frame">
          <rect width="480" height="480" rx="32" />
        </clipPath>
      </defs>
      <g clipPath="url(#frame)">
        <rect width="480" height="480" fill="url(#sky)" />
        <g className={styles.stars}>
          <circle cx="70" cy="90" r="2" />
          <circle cx="150" cy="50" r="1.5" />
          <circle cx="400" cy="70" r="2" />
          <circle cx="430" cy="160" r="1.5" />
          <circle cx="345" cy="40" r="1.5" />
          <circle cx="55" cy="190" r="1.5" />
        </g>
        <circle cx="228" cy="228" r="190" fill="url(#halo)" />
        <circle className={styles.orbit} cx="228" cy="228" r="132" />
        <circle className={styles.sun} cx="228" cy="228" r="84" />
        <g className={styles.companion}>
          <circle className={styles.moon} cx="321" cy="321" r="26" />
        </g>
        <path className={styles.far} d="M0 340c70-52 140-52 210-12s160 34 270-40v192H0z" />
        <path className={styles.near} d="M0 396c90-44 170-30 240 2s150 30 240-24v106H0z" />
        <path
          className={styles.path}
          d="M150 480C176 440 330 444 276 408C352 440 216 448 226 480z"
        />
      </g>
    </svg>
  );
}
