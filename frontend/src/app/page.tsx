import { ButtonLink } from "@/ui/Button";
import { Landscape } from "@/ui/Landscape";
import { PageLink } from "@/ui/PageLink";

import styles from "./home.module.css";

const QUALITIES = [
  {
    title: "It remembers",
    text: "What you set out to do, and why it mattered, is still there on the day you look away.",
  },
  {
    title: "It notices",
    text: "Small steps count. Delight sees them, and tells you the moment there is good news.",
  },
  {
    title: "It keeps to itself",
    text: "What you share stays between the two of you. Nobody watches over your shoulder.",
  },
];

export default function HomePage() {
  return (
    <>
      <section className={styles.hero} aria-labelledby="title">
        <div className={styles.words}>
          <h1 id="title">Good company for the life you are building.</h1>
          <p className={styles.lead}>
            Delight is a companion. It remembers what you set out to do, sees how far you have come,
            and walks the rest of the way with you.
          </p>
          <div className={styles.actions}>
            <ButtonLink href="/sign-up">Begin</ButtonLink>
            <PageLink href="/sign-in">I have been here before</PageLink>
          </div>
        </div>
        <Landscape className={styles.picture} />
      </section>
      <ul className={styles.qualities} aria-label="What Delight is like">
        {QUALITIES.map(({ title, text }) => (
          <li key={title}>
            <h2>{title}</h2>
            <p>{text}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
