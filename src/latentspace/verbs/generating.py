"""New items: drawn, between others, along an axis, sums of others; and the axes themselves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .. import axes as axes_of_space
from .. import generating, looking
from .state import State

if TYPE_CHECKING:
    import numpy as np

    from ..generate.axes import Axes, Axis

Path = Literal["linear", "spherical", "geodesic"]
Even = Literal["latent", "seen"]


class GeneratingVerbs(State):
    """`sample`, `interpolate`, `traverse`, `axis`, `axes`, `move`, `analogy`, `blend`, `provenance`."""

    def sample(
        self, n: int = 16, *, density: str | None = None, temperature: float = 1.0,
        where: Mapping[str, Any] | None = None, near: Any = None, spread: float = 1.0, on_manifold: bool = False,
        seed: int = 0, report: bool = False,
    ) -> Any:  # fmt: skip
        """Synthesises n new items: latents drawn from a density of the space's latents, then decoded.

        Rows of a table are drawn from what a VAE says of each column, so that they scatter as real ones do.

        Parameters
        ----------
        n : int, default=16
        density : str, optional
            A density fitted anew for this call, such as "mixture" or "flow"; by default the one fitted after training.
        temperature : float, default=1.0
            How far samples stray: below 1 likelier and more alike, above 1 farther out than the items are.
        where : mapping, optional
            Only like the items of which this holds, as `search` takes it: `{"label": "cat"}`. A density is fitted to
            their latents. Where they are fewer than 50, or than 4 a dimension, it is a Gaussian whose covariance is
            blended with the whole space's, by the weight under which held-out ones of them are likeliest.
        near : id, item or latent, optional
            Around this one, as far as its 30 nearest neighbours lie; with `where`, neighbours of which that holds.
        spread : float, default=1.0
            With `near`, in units of that.
        on_manifold : bool, default=False
            Only where data are: what is farther from any item than 99% of the items from their nearest other is drawn
            again, and after twelve rounds pulled nearer. Off by default, since it makes samples a little more like the
            nearest item.
        seed : int, default=0
        report : bool, default=False
            Return `Generated`: the items, each with how far from the data it is and its nearest real items.

        Returns
        -------
        Items in their own form, or `Generated`

        Raises
        ------
        ValueError
            If a number is out of range, a density or column is not known, or no item fulfils `where`.
        UnsupportedError
            If the model has no way back, or its own prior cannot be tempered.
        """
        looking.require_way_back(self)
        z = generating.sample(
            self, n, density=density, temperature=temperature, where=where, near=near, spread=spread,
            on_manifold=on_manifold, seed=seed,
        )  # fmt: skip
        return self._made(generating.drawn(self, z, seed), z, report)

    def interpolate(
        self, a: Any, b: Any, *, steps: int = 9, path: Path = "linear", even: Even = "latent", report: bool = False
    ) -> Any:
        """Items on the way from a to b, both ends included: exactly the reconstructions of a and b.

        Parameters
        ----------
        a, b : ids, items or latents
        steps : int, default=9
            At least 2.
        path : {"linear", "spherical", "geodesic"}, default="linear"
            "spherical" turns evenly around the origin. "geodesic" is the shortest way where steps cost what the decoder
            shows of them, and more where no data are; it starts along the neighbour graph. See
            `latentspace.generate.geodesic`.
        even : {"latent", "seen"}, default="latent"
            What is equal from step to step: the latents' distance, or that of what is decoded.
        report : bool, default=False
            Return `Generated`.

        Raises
        ------
        ValueError
            If a path is not known, steps are below 2, or an end is several items.
        """
        z = generating.way(self, a, b, steps, path, even)
        return self._made(self.decode(z), z, report)

    def traverse(
        self, item: Any, axis: Any = 0, *, steps: int = 9, span: float | None = None, report: bool = False
    ) -> Any:
        """Items along one axis through an item, or over two: all else held.

        Parameters
        ----------
        item : id, item or latent
        axis : int, str, Axis, float array of shape (dims,), or a list of two of these
            A dimension's number, an axis's name, or a direction. Of two, the first runs along rows, the second down.
            Two whole numbers in a list are two dimensions; a direction in a space of two dims is an array.
        steps : int, default=9
            Items to a side; of two axes steps * steps, row by row.
        span : float, optional
            How far to go to each side: in standard deviations of the space along the direction, 3 by default, or in a
            named axis's own units, 1 by default.
        report : bool, default=False
            Return `Generated`.
        """
        z = generating.traverse(self, item, axis, steps, span)
        return self._made(self.decode(z), z, report)

    def axis(
        self, name: str, *, where: Mapping[str, Any] | None = None, number: "str | Sequence[float] | None" = None,
        positive: Any = None, negative: Any = None, orthogonal_to: "str | Axis | Sequence[str | Axis]" = (),
        seed: int = 0,
    ) -> "Axis":  # fmt: skip
        """Returns an axis by its name; learned now, if it is new or told from what, and kept in the space's file.

        Parameters
        ----------
        name : str
            Without more, an axis that is kept, or else what the name means: "label=cat", a value of just one column
            ("cat"), a column of yes and no, or a column of numbers.
        where : mapping, optional
            Learned from the items of which this holds against all others: `{"label": "cat"}`.
        number : str or sequence, optional
            Learned from a metadata column of numbers, or from one number an item (None where it is missing).
        positive, negative : lists of ids, items or latents, optional
            Learned from examples and counterexamples; without the latter, against all other items.
        orthogonal_to : name or Axis, or several
            Axes whose probes shall read the same along this one.
        seed : int, default=0
            Draws what is held out, and the random directions that it is compared with.

        Returns
        -------
        Axis
            `direction`, `unit`, `read(z)`, `evidence`; prints as a line.

        Raises
        ------
        ValueError
            If the name means nothing here, one side has no item, or nothing is left beside `orthogonal_to`.

        References
        ----------
        White, "Sampling generative networks", 2016: attribute vectors as differences of means.
        """
        told = where is not None or number is not None or positive is not None or negative is not None or orthogonal_to
        if not told and name in self._axes:
            return self._axes[name]
        return axes_of_space.learn(
            self, name, where=where, number=number, positive=positive, negative=negative, orthogonal_to=orthogonal_to,
            seed=seed,
        )  # fmt: skip

    @property
    def axes(self) -> "Axes":
        """The axes that this space keeps, by name."""
        from ..generate.axes import Axes

        return Axes(self._axes)

    def drop_axis(self, name: str) -> None:
        """Forgets an axis, in the space's file too."""
        axes_of_space.drop(self, name)

    def move(self, item: Any, axis: Any, amount: "float | Sequence[float]" = 1.0, *, report: bool = False) -> Any:
        """Items moved along an axis, all else held.

        Parameters
        ----------
        item : id, item, latent, or several items
        axis : int, str, Axis or float array of shape (dims,)
        amount : float or list of floats, default=1.0
            In the axis's own units (far enough to change the label of most items, or the number by one standard
            deviation); for a dimension or a direction, in standard deviations of the space along it. A list gives
            several of one item.
        report : bool, default=False
            Return `Generated`.
        """
        z = generating.settled(self, generating.move(self, item, axis, amount))
        return self._made(self.decode(z), z, report)

    def analogy(self, a: Any, b: Any, c: Any, *, report: bool = False) -> Any:
        """What is to c as b is to a, as one item: the decoded c + (b - a) of latents."""
        z = generating.analogy(self, a, b, c)
        return self._made(self.decode(z), z, report)

    def blend(self, items: Sequence[Any], weights: Sequence[float] | None = None, *, report: bool = False) -> Any:
        """Several items in one: the decoded weighted mean of their latents.

        Parameters
        ----------
        items : list of ids, items or latents
        weights : sequence of floats, optional
            One for each, equal by default; divided by their sum. A negative one goes away from its item.
        report : bool, default=False
            Return `Generated`.
        """
        z = generating.blend(self, items, weights)
        return self._made(self.decode(z), z, report)

    def provenance(self, what: Any) -> Any:
        """How far from the data items or latents are, and which real items are nearest: `Generated`.

        Parameters
        ----------
        what : float array of shape (m, dims), or items
            Latents, as an array of this space's dims; anything else is encoded first.
        """
        if getattr(what, "ndim", 0) == 2 and what.shape[1] == self.dims and self.modality.shape != (self.dims,):
            z = self._checked(what)
            return self._made(self.decode(z), z, True)
        return self._made(what, self.encode(what, on_error="raise"), True)

    def _made(self, items: Any, z: "np.ndarray", report: bool) -> Any:
        return generating.provenance(self, z, items) if report else items
