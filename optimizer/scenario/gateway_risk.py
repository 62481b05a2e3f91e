"""The risk index of gateways, beyond what the flows expected before any record explain.

A gateway's loads are its exposure times its risk index. The index of a model that explains seizures by flows contains the exposure
already: the flows it starts from are proportional to exposure. What those flows explain, b1 log F, is therefore taken out first.
Otherwise exposure would count twice, and of two bridges the larger would gain on the smaller without any seizure that distinguishes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk.explained import ExplainsByFlows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.problem.places import Gateway
    from optimizer.risk import RiskEstimate, RiskModel


def gateway_index(
    model: RiskModel, estimate: RiskEstimate, network: Network, gateways: Sequence[Gateway]
) -> NDArray[np.float64]:
    """Return the expected risk index of the segments that meet at each gateway, over what the prior flows expect there; (gateways,), > 0.

    The mean is used, not the median, because loads add up; where nobody searched, the median can be close to 0 and the weight would vanish.

    Parameters
    ----------
    model
        Fitted.
    estimate
        What it predicts.
    network
        The roads it was fitted on.
    gateways
        Where evaders enter.
    """
    beyond = estimate.mean * np.exp(-explained_by_flows(model, network))
    total, count = np.zeros(network.n_nodes), np.zeros(network.n_nodes)
    segment_arc = network.segment_arc
    for end in (network.tail[segment_arc], network.head[segment_arc]):
        np.add.at(total, end, beyond)
        np.add.at(count, end, 1.0)
    nodes = [gateway.node for gateway in gateways]
    return np.asarray(total[nodes] / count[nodes])


def explained_by_flows(model: RiskModel, network: Network) -> NDArray[np.float64]:
    """Return the (m,) part of a fitted model's log index that its prior flows stand for; 0 where it knows of none."""
    return model.explained_by_flows() if isinstance(model, ExplainsByFlows) else np.zeros(network.n_segments)
